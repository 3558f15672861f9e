import type { Connection } from "../RunFollower.ts";

const NOTES: Readonly<Partial<Record<Connection, string>>> = {
  offline: "You are offline. The answer goes on and is fetched when the network is back.",
  reconnecting: "The connection broke. Reconnecting; nothing is lost.",
};

export function ConnectionNote({ connection }: { readonly connection: Connection | null }) {
  const note = connection === null ? undefined : NOTES[connection];
  return note === undefined ? null : (
    <p className="note note--doubt connection" role="status">
      {note}
    </p>
  );
}
