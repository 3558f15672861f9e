import { useTranslation } from "react-i18next";

import type { Connection } from "../RunFollower.ts";

interface Props {
  readonly connection: Connection | null;
  readonly isHeldBack: boolean;
}

export function ConnectionNote({ connection, isHeldBack }: Props) {
  const { t } = useTranslation("chat");
  const isBroken = connection === "offline" || connection === "reconnecting";
  if (!isBroken && !isHeldBack) return null;
  return (
    <p className="note note--doubt connection" role="status">
      {t(`connection.${isBroken ? connection : "heldBack"}`)}
    </p>
  );
}
