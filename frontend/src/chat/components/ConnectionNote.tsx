import { useTranslation } from "react-i18next";

import type { Connection } from "../RunFollower.ts";

export function ConnectionNote({ connection }: { readonly connection: Connection | null }) {
  const { t } = useTranslation("chat");
  if (connection !== "offline" && connection !== "reconnecting") return null;
  return (
    <p className="note note--doubt connection" role="status">
      {t(`connection.${connection}`)}
    </p>
  );
}
