import { useId } from "react";
import { useTranslation } from "react-i18next";

import { currentLanguage, setLanguage } from "../i18n/i18n.ts";
import { isLanguage, LANGUAGES } from "../i18n/languages.ts";
import { usePreference, type Preference } from "../ui/preference.ts";
import { ENTER, MOTION, THEME } from "../ui/preferences.ts";
import field from "../ui/field.module.css";
import styles from "./SettingsPanel.module.css";

/** How the page looks and behaves; this browser keeps it. */
export function SettingsPanel() {
  const { t } = useTranslation("settings");
  const name = useId();
  return (
    <div className={styles.panel} role="group" aria-labelledby={name}>
      <h2 id={name}>{t("title")}</h2>
      <Choice
        label={t("theme.label")}
        of={THEME}
        texts={{ system: t("theme.system"), light: t("theme.light"), dark: t("theme.dark") }}
      />
      <Language />
      <Choice
        label={t("enter.label")}
        of={ENTER}
        texts={{ sends: t("enter.sends"), breaks: t("enter.breaks") }}
      />
      <Choice
        label={t("motion.label")}
        of={MOTION}
        texts={{ system: t("motion.system"), reduced: t("motion.reduced") }}
      />
      <p className={styles.note}>{t("kept")}</p>
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
  const { t } = useTranslation("settings");
  const id = useId();
  return (
    <div className={styles.setting}>
      <label htmlFor={id}>{t("language")}</label>
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
