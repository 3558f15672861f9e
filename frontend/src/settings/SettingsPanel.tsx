import { useId } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { currentLanguage, setLanguage } from "../i18n/i18n.ts";
import { isLanguage, LANGUAGES } from "../i18n/languages.ts";
import { usePreference, type Preference } from "../ui/preference.ts";
import { ENTER, MOTION, THEME } from "../ui/preferences.ts";
import field from "../ui/field.module.css";
import styles from "./SettingsPanel.module.css";

/** How the page looks and behaves; this browser keeps it. */
export function SettingsPanel() {
  const t = useT();
  const name = useId();
  return (
    <div className={styles.panel} role="group" aria-labelledby={name}>
      <h2 id={name}>{t("settings:title")}</h2>
      <Choice
        label={t("settings:theme.label")}
        of={THEME}
        texts={{ system: t("settings:theme.system"), light: t("settings:theme.light"), dark: t("settings:theme.dark") }}
      />
      <Language />
      <Choice
        label={t("settings:enter.label")}
        of={ENTER}
        texts={{ sends: t("settings:enter.sends"), breaks: t("settings:enter.breaks") }}
      />
      <Choice
        label={t("settings:motion.label")}
        of={MOTION}
        texts={{ system: t("settings:motion.system"), reduced: t("settings:motion.reduced") }}
      />
      <p className={styles.note}>{t("settings:kept")}</p>
    </div>
  );
}

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly of: Preference<Value>;
  readonly texts: Readonly<Record<Value, string>>;
}

function Choice<Value extends string>({ label, of, texts }: ChoiceProps<Value>) {
  const [chosen, choose] = usePreference(of);
  const name = useId();
  return (
    <fieldset className={styles.setting}>
      <legend>{label}</legend>
      <div className={styles.values}>
        {of.values.map((value) => (
          <label key={value} className={styles.value}>
            <input
              type="radio"
              name={name}
              checked={value === chosen}
              onChange={() => {
                choose(value);
              }}
            />
            <span>{texts[value]}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Language() {
  const t = useT();
  const id = useId();
  return (
    <div className={styles.setting}>
      <label htmlFor={id}>{t("settings:language")}</label>
      <select
        id={id}
        className={field.field}
        value={currentLanguage()}
        onChange={({ target }) => {
          if (isLanguage(target.value)) void setLanguage(target.value);
        }}
      >
        {Object.entries(LANGUAGES).map(([code, { name }]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
