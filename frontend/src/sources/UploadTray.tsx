import "./uploads.css";

import { useSyncExternalStore } from "react";

import { IconButton } from "../ui/Button.tsx";
import type { Uploads } from "./Uploads.ts";
import { useFileDrop } from "./useFileDrop.ts";

/** Takes files dropped anywhere, and shows how far each of them is. */
export function UploadTray({ uploads }: { readonly uploads: Uploads }) {
  const items = useSyncExternalStore(uploads.subscribe, uploads.getSnapshot);
  const isOver = useFileDrop(uploads.add);
  const isBusy = items.some(({ state }) => state === "working");
  return (
    <>
      {isOver ? <div className="drop-veil">Drop files to add them to the library</div> : null}
      {items.length === 0 ? null : (
        <section className="uploads" aria-label="Uploads">
          <ul>
            {items.map(({ key, name, state, text }) => (
              <li key={key} className={`upload upload--${state}`}>
                <b>{name}</b>
                <span role="status">{text}</span>
              </li>
            ))}
          </ul>
          {isBusy ? null : <IconButton icon="close" label="Close uploads" onClick={uploads.clear} />}
        </section>
      )}
    </>
  );
}
