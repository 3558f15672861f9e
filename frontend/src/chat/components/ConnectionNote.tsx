import { useT } from "../../i18n/useLanguage.ts";
import type { Connection } from "../state/chatState.ts";
import { cx } from "../../ui/cx.ts";
import note from "../../ui/note.module.css";

interface Props {
  readonly connection: Connection | null;
  readonly isBuffered: boolean;
  /** An answer is being written. */
  readonly isBusy: boolean;
}

export function ConnectionNote({ connection, isBuffered, isBusy }: Props) {
  const t = useT();
  const text = noteFor(connection, isBusy) ?? (isBuffered ? "buffered" : null);
  if (text === null) return null;
  return (
    <p className={cx(note.note, note.warning)} role="status">
      {t(`chat:connection.${text}`)}
    </p>
  );
}

function noteFor(connection: Connection | null, isBusy: boolean) {
  if (connection === "offline") return isBusy ? "offline" : "offlineIdle";
  return connection === "reconnecting" && isBusy ? "reconnecting" : null;
}
