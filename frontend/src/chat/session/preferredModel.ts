import { PREFIX } from "../../ui/preference.ts";

/** The model that new conversations begin with: the last that was chosen in this browser. */
export interface PreferredModel {
  get(): string | null;
  set(model: string | null): void;
}

const KEY = `${PREFIX}model`;

export const browserPreferredModel: PreferredModel = {
  get() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage can be forbidden
    }
  },
  set(model) {
    try {
      if (model === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, model);
    } catch {
      // The choice then holds for its conversation.
    }
  },
};
