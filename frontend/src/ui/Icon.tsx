import styles from "./Icon.module.css";
const PATHS = {
  books: "M5 4h4v16H5zM9 4h4v16H9zM13.500 5l3.800-1 4 15.500-3.800 1z",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM15 9V5H5v11h4",
  down: "M12 5v14M6 13l6 6 6-6",
  dots: "M5.500 12h1M11.500 12h1M17.500 12h1M6 11.500v1M12 11.500v1M18 11.500v1",
  gear: "M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4M4 12h3M11 12h9",
  menu: "M4 7h16M4 12h16M4 17h16",
  moon: "M20 14.500A8 8 0 1 1 9.500 4a6.500 6.500 0 0 0 10.500 10.500z",
  pen: "M4 20h4L19 9l-4-4L4 16z",
  play: "M8 5l11 7-11 7z",
  plus: "M12 5v14M5 12h14",
  redo: "M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v1.500M12 19.500V21M3 12h1.500M19.500 12H21M5.600 5.600l1.100 1.100M17.300 17.300l1.100 1.100M18.400 5.600l-1.100 1.100M6.700 17.300l-1.100 1.100",
  system: "M4 5h16v11H4zM9 20h6",
  text: "M6 4h9l4 4v12H6zM9 12h7M9 16h5",
  thumbDown: "M17 4v9M17 13l-4 7c-1.500 0-2.500-1-2.500-2.500V14H6.200a2 2 0 0 1-2-2.400l1.200-6A2 2 0 0 1 7.400 4H20v9h-3",
  thumbUp: "M7 20v-9M7 11l4-7c1.500 0 2.500 1 2.500 2.500V10h4.300a2 2 0 0 1 2 2.400l-1.200 6a2 2 0 0 1-2 1.600H4v-9h3",
  trash: "M5 7h14M10 7V5h4v2M7 7l1 13h8l1-13",
  left: "M15 6l-6 6 6 6",
  right: "M9 6l6 6-6 6",
  voice: "M12 15a3 3 0 0 0 3-3V7a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3zM6 12a6 6 0 0 0 12 0M12 18v3",
} as const;

export type IconName = keyof typeof PATHS;

/** A decoration: what it means is said by the text or label beside it. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className={styles.icon} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
