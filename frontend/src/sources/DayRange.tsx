import { useId, useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { Button } from "../ui/Button.tsx";
import { daysOf, withDays } from "./days.ts";
import field from "../ui/field.module.css";
import styles from "./DayRange.module.css";
import menu from "./ScopePicker.module.css";

interface Props {
  readonly filters: Filters;
  readonly onChange: (filters: Filters) => void;
}

/** Between which days a source must have come into the library; either end may be open. */
export function DayRange({ filters, onChange }: Props) {
  const t = useT();
  const note = useId();
  const { from, to } = daysOf(filters);
  return (
    <fieldset className={menu.section} aria-describedby={note}>
      <legend>{t("sources:scope.days")}</legend>
      <div className={styles.days}>
        <Day
          label={t("sources:scope.from")}
          value={from}
          onPick={(day) => {
            onChange(withDays(filters, { from: day }));
          }}
        />
        <Day
          label={t("sources:scope.to")}
          value={to}
          onPick={(day) => {
            onChange(withDays(filters, { to: day }));
          }}
        />
      </div>
      <p className={styles.note}>
        <span id={note}>{t("sources:scope.utc")}</span>
        {from === "" && to === "" ? null : (
          <Button
            variant="outlined"
            onClick={() => {
              onChange(withDays(filters, { from: "", to: "" }));
            }}
          >
            {t("sources:scope.anyDay")}
          </Button>
        )}
      </p>
    </fieldset>
  );
}

interface DayProps {
  readonly label: string;
  readonly value: string;
  readonly onPick: (day: string) => void;
}

/** Years are typed digit by digit: what is not of this age yet is not meant yet. */
const FIRST = "1970-01-01";

function Day({ label, value, onPick }: DayProps) {
  const [draft, setDraft] = useState(value);
  const [known, setKnown] = useState(value);
  if (value !== known) {
    setKnown(value);
    setDraft(value);
  }
  return (
    <label>
      <span>{label}</span>
      <input
        type="date"
        className={field.field}
        min={FIRST}
        max="9999-12-30"
        value={draft}
        onChange={({ target }) => {
          setDraft(target.value);
          if (target.value === "" || target.value >= FIRST) onPick(target.value);
        }}
      />
    </label>
  );
}
