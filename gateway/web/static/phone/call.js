// One USSD call, as a network makes it: every hop carries the whole key path since the call began.

const OFF_THE_NETWORK = "Connection problem or invalid MMI code.";

export class Call {
  constructor(hook, phone) {
    this.hook = hook;
    this.phone = phone;
    this.over = true;
    this.hops = 0;
  }

  /** Begin a call; `keys` is what was dialled behind the code, such as `2*1`. */
  dial(keys) {
    this.session = `phone-${crypto.randomUUID()}`;
    this.path = keys;
    this.hops = 0;
    return this.hop();
  }

  press(key) {
    this.path = this.path ? `${this.path}*${key}` : key;
    return this.hop();
  }

  hangUp() {
    this.over = true;
  }

  /** `{text, ends, alphabet, units, limit}`; without a limit when it was the network that spoke. */
  async hop() {
    this.hops += 1;
    const said = await this.ask().catch(() => null);
    const screen = said ?? { text: OFF_THE_NETWORK, ends: true };
    this.over = screen.ends;
    return screen;
  }

  async ask() {
    const answer = await post(this.hook, { session: this.session, phone: this.phone, text: this.path });
    return answer.ok ? await answer.json() : null;
  }
}

export function post(address, object) {
  const headers = { "Content-Type": "application/json" };
  return fetch(address, { method: "POST", headers, body: JSON.stringify(object) });
}

/** What stands behind the service code: "" for the code alone, `2*1` for `*1508*2*1#`; null for another code. */
export function keysBehind(code, typed) {
  const stem = code.slice(0, -1);
  if (typed === code) return "";
  return typed.startsWith(`${stem}*`) && typed.endsWith("#") ? typed.slice(stem.length + 1, -1) : null;
}
