import type { Attack } from "../attack.js";
import { cutPut } from "./cut-put.js";
import { gzipBomb } from "./gzip-bomb.js";
import { halfOpenTcp, halfOpenTls, prefaceOnly } from "./half-open.js";
import { largeHeaders } from "./large-headers.js";
import { lengthPrefix } from "./length-prefix.js";
import { neverReads } from "./never-reads.js";
import { slowStreams } from "./slow-streams.js";
import { unreadBytes } from "./unread-bytes.js";
import { unreadMessages } from "./unread-messages.js";

export const attacks: readonly Attack[] = [
  lengthPrefix,
  gzipBomb,
  largeHeaders,
  halfOpenTcp,
  halfOpenTls,
  prefaceOnly,
  slowStreams,
  neverReads,
  cutPut,
  unreadBytes,
  unreadMessages,
];
