import { useT } from "../i18n/useLanguage.ts";
import { forgetDrafts } from "../chat/components/useDraft.ts";
import { ConversationList } from "../history/ConversationList.tsx";
import { ROOT_PATH } from "../protocol/addresses.ts";
import { SettingsPanel } from "../settings/SettingsPanel.tsx";
import { Button, IconButton } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Popover } from "../ui/Popover.tsx";
import { usePreference } from "../ui/preference.ts";
import { THEME } from "../ui/preferences.ts";
import { Account } from "../auth/Account.tsx";
import { goTo, LIBRARY, navigate } from "./route.ts";
import { buttonClass, iconButtonClass } from "../ui/buttonClass.ts";
import styles from "./Sidebar.module.css";

interface Props {
  /** The conversation on screen, or the library's address. */
  readonly shown: string;
  readonly onNew: () => void;
  /** Called after a choice, so that a phone can fold the sidebar away. */
  readonly onDone: () => void;
}

export function Sidebar({ shown, onNew, onDone }: Props) {
  const t = useT();
  return (
    <div className={styles.body}>
      <div className={styles.header}>
        <Button
          variant="outlined"
          icon="plus"
          className={styles.newConversation}
          onClick={() => {
            onNew();
            onDone();
          }}
        >
          {t("app:sidebar.new")}
        </Button>
      </div>
      <div className={styles.list}>
        <ConversationList
          currentId={shown}
          onOpen={(sessionId) => {
            navigate(sessionId);
            onDone();
          }}
          onCurrentDeleted={onNew}
        />
      </div>
      <nav className={styles.footer} aria-label="Citestream">
        <LibraryLink isCurrent={shown === LIBRARY} onDone={onDone} />
        <Popover
          side="above"
          trigger={<Icon name="gear" />}
          label={t("app:sidebar.settings")}
          buttonClass={iconButtonClass("quiet")}
        >
          <SettingsPanel />
          <Account onSignOut={forgetDrafts} />
        </Popover>
        <ThemeButton />
      </nav>
    </div>
  );
}

interface LinkProps {
  readonly isCurrent: boolean;
  readonly onDone: () => void;
}

function LibraryLink({ isCurrent, onDone }: LinkProps) {
  const t = useT();
  return (
    <a
      className={buttonClass("quiet", styles.libraryLink)}
      href={ROOT_PATH + LIBRARY}
      aria-current={isCurrent ? "page" : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        goTo(LIBRARY);
        onDone();
      }}
    >
      <Icon name="books" />
      {t("app:sidebar.library")}
    </a>
  );
}

const ICONS = { system: "system", light: "sun", dark: "moon" } as const;

function ThemeButton() {
  const t = useT();
  const [theme, setTheme] = usePreference(THEME);
  const next = THEME.values[(THEME.values.indexOf(theme) + 1) % THEME.values.length] ?? "system";
  return (
    <IconButton
      icon={ICONS[theme]}
      label={t("app:sidebar.theme", { theme: t(`app:sidebar.themes.${theme}`) })}
      onClick={() => {
        setTheme(next);
      }}
    />
  );
}
