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
          New conversation
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
  const [theme, setTheme] = usePreference(THEME);
  const next = THEME.values[(THEME.values.indexOf(theme) + 1) % THEME.values.length] ?? "system";
  return (
    <IconButton
      icon={ICONS[theme]}
      label={`Colours: ${theme}. Change`}
      onClick={() => {
        setTheme(next);
      }}
    />
  );
}
