import { useT } from "../i18n/useLanguage.ts";
import { ROOT_PATH } from "../protocol/addresses.ts";
import styles from "./errorPage.module.css";

/** An address at which the page has nothing. */
export function NotFound() {
  const t = useT();
  return (
    <div className={styles.page} role="alert">
      <h2>{t("app:notFound.title")}</h2>
      <p>
        <a href={`${ROOT_PATH}/`}>{t("app:notFound.start")}</a>
      </p>
    </div>
  );
}
