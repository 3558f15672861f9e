import { useTranslation } from "react-i18next";

import { ROOT_PATH } from "../protocol/addresses.ts";
import styles from "./errorPage.module.css";

/** An address at which the page has nothing. */
export function NotFound() {
  const { t } = useTranslation("app");
  return (
    <div className={styles.page} role="alert">
      <h2>{t("notFound.title")}</h2>
      <p>
        <a href={`${ROOT_PATH}/`}>{t("notFound.start")}</a>
      </p>
    </div>
  );
}
