"""How fast many texts may leave, so that those who answer at once do not flood the gateway."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Draft

# r <= 0.5 C / (p k): answers take half of what one core serves at most (reliability 4). C is a tenth of the hops
# measured (bench/README.md); that half of those who are texted answer, in five hops, are proposals.
CAPACITY: Final = 100  # hops a second
ANSWERING: Final = 0.5
HOPS: Final = 5
PACE: Final = int(0.5 * CAPACITY / (ANSWERING * HOPS))  # texts a second


def post_at_pace(drafts: Iterable[Draft], outbox: Outbox, now: datetime, pace: int, after: int = 0) -> int:
    """Post drafts so that `pace` of them become due in a second, after so many others; how many were not there.

    Raises what `Hot` raises; what was posted by then stays posted.
    """
    seconds = int(now.timestamp())
    return sum(outbox.post(draft._replace(due_at=seconds + n // pace)) for n, draft in enumerate(drafts, after))
