import type { Resource } from "i18next";

type Texts = Resource[string];

interface Language {
  /** In the language itself. */
  readonly name: string;
  /** Fetches its texts; English comes with the page. */
  readonly load: () => Promise<{ readonly default: Texts }>;
}

/**
 * The page's languages. To add one: copy the folder `en`, translate its files (one per room), and
 * add a line here. A test names every text that is missing or has other placeholders.
 */
export const LANGUAGES = {
  en: { name: "English", load: () => import("./en/index.ts") },
  de: { name: "Deutsch", load: () => import("./de/index.ts") },
} as const satisfies Record<string, Language>;

export type LanguageCode = keyof typeof LANGUAGES;

export function isLanguage(code: string): code is LanguageCode {
  return Object.hasOwn(LANGUAGES, code);
}

/** The first of the reader's languages that the page speaks. */
export function firstSpoken(query: readonly string[]): LanguageCode {
  const codes = query.map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return codes.find(isLanguage) ?? "en";
}
