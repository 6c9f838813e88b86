// The drawn flow that the caller is in, with her state lit and the way she came marked.

export class Diagram {
  constructor(frame, address) {
    this.frame = frame;
    this.address = address; // of a picture, with `-` for the flow's name
    this.pictures = new Map();
  }

  async show(place, history) {
    const flow = place.split(".")[0];
    this.frame.setAttribute("aria-label", place ? `Flow ${flow}; the caller is at ${place}` : "The call has ended");
    if (flow) this.frame.replaceChildren(await this.picture(flow));
    for (const state of this.frame.querySelectorAll(".node")) {
      state.classList.toggle("been", history.includes(state.id));
      state.classList.toggle("here", state.id === place);
    }
    this.centre(this.frame.querySelector(".here"));
  }

  async picture(flow) {
    if (!this.pictures.has(flow)) {
      const answer = await fetch(this.address.replace("-", flow));
      const drawn = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
      this.pictures.set(flow, drawn.querySelector("svg") ?? document.createElement("p"));
    }
    return this.pictures.get(flow);
  }

  centre(state) {
    if (!state) return;
    const frame = this.frame.getBoundingClientRect();
    const box = state.getBoundingClientRect();
    this.frame.scrollBy(
      box.left + box.width / 2 - frame.left - frame.width / 2,
      box.top + box.height / 2 - frame.top - frame.height / 2,
    );
  }
}
