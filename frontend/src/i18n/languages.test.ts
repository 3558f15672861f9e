import { afterEach, describe, expect, it } from "vitest";

import english from "./en/index.ts";
import { setLanguage, startLanguage, t } from "./i18n.ts";
import { firstSpoken, LANGUAGES, type LanguageCode } from "./languages.ts";

interface Texts {
  readonly [key: string]: string | Texts;
}

/** Every text of a language with the placeholders and tags it uses, plural forms as one. */
function outline(texts: Texts, path = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [key, text] of Object.entries(texts)) {
    const at = `${path}${key.replace(/_(zero|one|two|few|many|other)$/, "_count")}`;
    if (typeof text !== "string") Object.assign(found, outline(text, `${at}.`));
    else if (!key.endsWith("_one")) found[at] = placeholders(text);
  }
  return found;
}

function placeholders(text: string): string {
  return (text.match(/{{[^}]+}}|<\/?\w+>/g) ?? []).sort().join(" ");
}

const others = (Object.keys(LANGUAGES) as LanguageCode[]).filter((code) => code !== "en");

describe.each(others)("%s", (code) => {
  it("says everything that English says, with the same placeholders", async () => {
    const { default: texts } = await LANGUAGES[code].load();
    expect(outline(texts)).toEqual(outline(english));
  });

  it("leaves no text empty", async () => {
    const { default: texts } = await LANGUAGES[code].load();
    expect(JSON.stringify(texts)).not.toContain('""');
  });
});

describe("the language", () => {
  afterEach(async () => {
    await setLanguage("en");
    localStorage.clear();
  });

  it.each([
    [["fr-FR", "de-CH"], "de"],
    [["en-GB"], "en"],
    [["fr"], "en"],
    [[], "en"],
  ])("of a browser that wants %j is %s", (query, spoken) => {
    expect(firstSpoken(query)).toBe(spoken);
  });

  it("is kept for the next visit", async () => {
    await setLanguage("de");
    expect(document.documentElement.lang).toBe("de");
    await startLanguage();
    expect(t("ui:close")).toBe("Schließen");
  });
});
