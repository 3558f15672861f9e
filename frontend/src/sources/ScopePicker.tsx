import { useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { isUnfiltered } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { cx } from "../ui/cx.ts";
import { Icon } from "../ui/Icon.tsx";
import { Popover } from "../ui/Popover.tsx";
import { DayRange } from "./DayRange.tsx";
import { anySource, isAnySource, onlyKind, toggleSource } from "./scope.ts";
import { useSourceSearch, useScopeLabel, useSources } from "./useSources.ts";
import chip from "../ui/chip.module.css";
import field from "../ui/field.module.css";
import styles from "./ScopePicker.module.css";

interface Props {
  readonly filters: Filters;
  readonly onChange: (filters: Filters) => void;
}

const SEARCH_FROM = 8;

/** A chip that says what is searched, and a menu to change it. */
export function ScopePicker({ filters, onChange }: Props) {
  const t = useT();
  const label = useScopeLabel(filters);
  return (
    <Popover
      side="above"
      buttonClass={cx(chip.chip, !isUnfiltered(filters) && chip.narrowed)}
      label={t("sources:scope.chip", { what: label })}
      trigger={
        <>
          <Icon name="search" />
          <span className={chip.label} dir="auto">{label}</span>
        </>
      }
    >
      <div className={styles.menu} role="group" aria-label={t("sources:scope.name")}>
        <ScopeChoice
          label={t("sources:scope.all")}
          isOn={isAnySource(filters)}
          onPick={() => {
            onChange(anySource(filters));
          }}
        />
        {(["document", "recording"] as const).map((kind) => (
          <ScopeChoice
            key={kind}
            label={t(kind === "document" ? "sources:scope.documents" : "sources:scope.recordings")}
            isOn={filters.kinds.length === 1 && filters.kinds[0] === kind}
            onPick={() => {
              onChange(onlyKind(filters, kind));
            }}
          />
        ))}
        <DayRange filters={filters} onChange={onChange} />
        <SourceChoices filters={filters} onChange={onChange} />
      </div>
    </Popover>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly isOn: boolean;
  readonly onPick: () => void;
}

function ScopeChoice({ label, isOn, onPick }: ChoiceProps) {
  return (
    <label className={styles.option}>
      <input type="radio" name="scope" checked={isOn} onChange={onPick} />
      <span>{label}</span>
    </label>
  );
}

function SourceChoices({ filters, onChange }: Props) {
  const t = useT();
  const [query, setRequested] = useState("");
  const sources = useSources().data?.items ?? [];
  const shown = useSourceSearch(query.trim());
  return (
    <fieldset className={styles.section}>
      <legend>{t("sources:scope.these")}</legend>
      {sources.length > SEARCH_FROM ? (
        <input
          type="search"
          className={field.field}
          maxLength={200}
          placeholder={t("sources:scope.find")}
          aria-label={t("sources:scope.find")}
          value={query}
          onChange={(event) => {
            setRequested(event.target.value);
          }}
        />
      ) : null}
      {shown.map(({ source_id: id, title, kind }) => (
        <label className={styles.option} key={id}>
          <input
            type="checkbox"
            checked={filters.source_ids.includes(id)}
            onChange={() => {
              onChange(toggleSource(filters, id));
            }}
          />
          <bdi>{title}</bdi>
          <Icon name={kind === "recording" ? "voice" : "text"} />
        </label>
      ))}
    </fieldset>
  );
}
