/** Gives the focus to the heading of a new stage, so that a screen reader reads it and Tab goes on from there. */
export function focusOnMount(element: HTMLElement): void {
  element.focus({ preventScroll: true });
}
