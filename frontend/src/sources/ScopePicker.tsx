import "./sources.css";

import { useState } from "react";

import { isUnfiltered, NO_FILTERS, type Source } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { Icon } from "../ui/Icon.tsx";
import { Popover } from "../ui/Popover.tsx";
import { onlyKind, scopeLabel, toggleSource } from "./scope.ts";
import { useSources } from "./useSources.ts";

interface Props {
  readonly filters: Filters;
  readonly onChange: (filters: Filters) => void;
}

const SEARCH_FROM = 8;

/** A chip that says what is searched, and a menu to change it. */
export function ScopePicker({ filters, onChange }: Props) {
  const { data } = useSources();
  const sources = data?.items ?? [];
  const label = scopeLabel(filters, sources);
  return (
    <Popover
      side="above"
      buttonClass={`chip${isUnfiltered(filters) ? "" : " chip--narrow"}`}
      label={`Searching: ${label}. Change`}
      trigger={
        <>
          <Icon name="search" />
          <span className="chip-text">{label}</span>
        </>
      }
    >
      <div className="scope" role="group" aria-label="What to search">
        <ScopeChoice
          label="All sources"
          isOn={isUnfiltered(filters)}
          onPick={() => {
            onChange(NO_FILTERS);
          }}
        />
        {(["document", "recording"] as const).map((kind) => (
          <ScopeChoice
            key={kind}
            label={kind === "document" ? "Documents only" : "Recordings only"}
            isOn={filters.kinds.length === 1 && filters.kinds[0] === kind}
            onPick={() => {
              onChange(onlyKind(kind));
            }}
          />
        ))}
        <SourceChoices sources={sources} filters={filters} onChange={onChange} />
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
    <label className="scope-choice">
      <input type="radio" name="scope" checked={isOn} onChange={onPick} />
      <span>{label}</span>
    </label>
  );
}

function SourceChoices({ sources, filters, onChange }: Props & { readonly sources: readonly Source[] }) {
  const [wanted, setWanted] = useState("");
  const shown = sources.filter(({ title }) => title.toLowerCase().includes(wanted.toLowerCase()));
  return (
    <fieldset className="scope-sources">
      <legend>Only these</legend>
      {sources.length > SEARCH_FROM ? (
        <input
          type="search"
          className="field"
          placeholder="Find a source"
          aria-label="Find a source"
          value={wanted}
          onChange={(event) => {
            setWanted(event.target.value);
          }}
        />
      ) : null}
      {shown.map(({ source_id: id, title, kind }) => (
        <label className="scope-choice" key={id}>
          <input
            type="checkbox"
            checked={filters.source_ids.includes(id)}
            onChange={() => {
              onChange(toggleSource(filters, id));
            }}
          />
          <span>{title}</span>
          <Icon name={kind === "recording" ? "voice" : "text"} />
        </label>
      ))}
    </fieldset>
  );
}
