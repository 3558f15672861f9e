import { useTranslation } from "react-i18next";

import { ConversationList } from "../history/ConversationList.tsx";
import { Button, IconButton } from "../ui/Button.tsx";
import { usePreference } from "../ui/preference.ts";
import { THEME } from "../ui/preferences.ts";
import { navigate } from "./route.ts";

interface Props {
  readonly currentId: string | null;
  readonly onNew: () => void;
  /** Called after a choice, so that a phone can fold the sidebar away. */
  readonly onDone: () => void;
}

export function Sidebar({ currentId, onNew, onDone }: Props) {
  const { t } = useTranslation("app");
  return (
    <div className="sidebar-body">
      <div className="sidebar-head">
        <Button
          look="outlined"
          icon="plus"
          className="new-conversation"
          onClick={() => {
            onNew();
            onDone();
          }}
        >
          {t("sidebar.new")}
        </Button>
      </div>
      <div className="sidebar-list">
        <ConversationList
          currentId={currentId}
          onOpen={(sessionId) => {
            navigate(sessionId);
            onDone();
          }}
          onCurrentDeleted={onNew}
        />
      </div>
      <div className="sidebar-foot">
        <ThemeButton />
      </div>
    </div>
  );
}

const ICONS = { system: "system", light: "sun", dark: "moon" } as const;

function ThemeButton() {
  const { t } = useTranslation("app");
  const [theme, setTheme] = usePreference(THEME);
  const next = THEME.values[(THEME.values.indexOf(theme) + 1) % THEME.values.length] ?? "system";
  return (
    <IconButton
      icon={ICONS[theme]}
      label={t("sidebar.theme", { theme: t(`sidebar.themes.${theme}`) })}
      onClick={() => {
        setTheme(next);
      }}
    />
  );
}
