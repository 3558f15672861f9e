import { use } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "../ui/Button.tsx";
import { AddFilesContext } from "./addFiles.ts";

interface Props {
  readonly text: string;
  readonly onKept: () => void;
}

/** A text that is too long for a question makes a good document. */
export function KeepAsFile({ text, onKept }: Props) {
  const { t } = useTranslation("app");
  const addFiles = use(AddFilesContext);
  return (
    <Button
      look="outlined"
      icon="text"
      onClick={() => {
        const name = `${t("keepAsFile.name")}.txt`;
        void addFiles([new File([text], name, { type: "text/plain" })]);
        onKept();
      }}
    >
      {t("keepAsFile.button")}
    </Button>
  );
}
