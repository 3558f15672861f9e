/** For a field that appears to be edited: what is typed replaces its text. A stable `ref`. */
export function focusSelected(field: HTMLInputElement | null): void {
  field?.focus();
  field?.select();
}

/** For a field that appears to be added to: the caret stands behind its text. A stable `ref`. */
export function focusEnd(field: HTMLInputElement | null): void {
  field?.focus();
  field?.setSelectionRange(field.value.length, field.value.length);
}

/** For what was there before a field took its place. A stable `ref`. */
export function focusBack(element: HTMLElement | null): void {
  element?.focus({ preventScroll: true });
}
