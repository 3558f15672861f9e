import { configure } from "@testing-library/dom";

// What a test waits for comes when the machine gets to it; one that never comes ends with the test.
configure({ asyncUtilTimeout: 15_000 });
