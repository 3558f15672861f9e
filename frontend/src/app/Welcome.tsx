import { use, useRef } from "react";

import { useSources } from "../sources/useSources.ts";
import { count } from "../ui/format.ts";
import { AddFilesContext } from "./addFiles.ts";
import { examplesFor } from "./examples.ts";

/** The empty conversation: what is here, and questions to try. */
export function Welcome({ onAsk }: { readonly onAsk: (question: string) => void }) {
  const { data } = useSources();
  const sources = data?.items ?? [];
  return (
    <div className="welcome">
      <h2>What would you like to know?</h2>
      <p className="soft">{libraryLine(sources)}</p>
      <ul className="examples">
        {examplesFor(sources).map(({ question, hint }) => (
          <li key={question}>
            <button
              type="button"
              className="example"
              onClick={() => {
                onAsk(question);
              }}
            >
              <span>{question}</span>
              <small>{hint}</small>
            </button>
          </li>
        ))}
        <li>
          <OwnFile />
        </li>
      </ul>
    </div>
  );
}

/** The card for a file of one's own; files can be dropped anywhere else too. */
function OwnFile() {
  const addFiles = use(AddFilesContext);
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        className="example example--file"
        onClick={() => {
          input.current?.click();
        }}
      >
        <span>Drop your own file</span>
        <small>PDF, Word, slides, tables, web pages, transcripts. Or choose one</small>
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files for the library"
        onChange={({ target }) => {
          void addFiles([...(target.files ?? [])]);
          target.value = ""; // so that the same file can be chosen again
        }}
      />
    </>
  );
}

function libraryLine(sources: readonly { readonly kind: string }[]): string {
  if (sources.length === 0) return "Answers come from your documents and recordings, cited.";
  const recordings = sources.filter(({ kind }) => kind === "recording").length;
  const parts = [
    count(sources.length - recordings, "document"),
    ...(recordings === 0 ? [] : [count(recordings, "recording")]),
  ];
  return `Answers come from your ${parts.join(" and ")}. Every claim is cited.`;
}
