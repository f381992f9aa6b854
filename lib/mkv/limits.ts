/*
 * What a header may claim before it is called malformed. Memory is set aside, or bytes are thrown away, by these claims,
 * so each has a cap.
 */

/** An EBML header; real ones have 20 to 60 bytes. */
export const MAX_EBML_HEADER_BYTES = 64 * 1024;

/** An EBML header that is believed in the middle of broken bytes. */
export const MAX_PLAUSIBLE_EBML_HEADER_BYTES = 4 * 1024;

/** Elements of such a header; real ones have 7. */
export const MAX_PLAUSIBLE_EBML_CHILDREN = 32;

/**
 * Bytes that are read again after malformed ones, beyond as many as the payload had until then: what a damaged size has
 * swallowed is looked through once more, but not without end.
 */
export const MAX_REREAD_BYTES = 1024 * 1024;

/** Info, Tracks or one Tags element. A CodecPrivate may have 1 MiB (KVS producer limits), fonts of subtitles more. */
export const MAX_HEADER_ELEMENT_BYTES = 16 * 1024 * 1024;

/** One block. A fragment of the service has at most 50 MB; other files may hold raw video. */
export const MAX_BLOCK_BYTES = 256 * 1024 * 1024;

/** An element that is skipped and has a name (Attachments, Cues, Void). */
export const MAX_SKIPPED_ELEMENT_BYTES = 1024 * 1024 * 1024;

/** An unknown element that is skipped. More than a whole fragment (50 MB) is not a plausible element. */
export const MAX_UNKNOWN_ELEMENT_BYTES = 64 * 1024 * 1024;

/** TimecodeScale: up to here a block's relative time in nanoseconds stays an exact number (2^15 × 10^11 < 2^53). */
export const MAX_TIMECODE_SCALE_NS = 100_000_000_000;

/** Depth of nested SimpleTags. */
export const MAX_TAG_DEPTH = 16;

/** SimpleTags of one Tags element, nested ones and repeated values included. A KVS fragment has some 20. */
export const MAX_TAGS = 100_000;

/** Tags of one document, which are all kept until it ends. Ten a second come to it after a day. */
export const MAX_DOCUMENT_TAGS = 1_000_000;

/** TrackEntries of one Tracks element. KVS takes 3. */
export const MAX_TRACKS = 1024;

/** ContentEncodings of one track. Two is what is found at most. */
export const MAX_CONTENT_ENCODINGS = 8;

/** Media that is held until the Tracks of its document are there. More than a whole fragment (50 MB). */
export const MAX_BYTES_BEFORE_TRACKS = 64 * 1024 * 1024;

/** What the frames of one block, or a CodecPrivate, may inflate to. More than a whole fragment (50 MB) is not a plausible frame. */
export const MAX_INFLATED_BYTES = 64 * 1024 * 1024;
