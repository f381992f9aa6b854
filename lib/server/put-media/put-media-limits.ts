/*
 * What a PutMedia body may claim before it is refused, where the service itself says nothing: bytes are held by these
 * claims, so each has a cap. Its own limits are in `model/fragment-limits.ts`.
 */

/** The producer's header: all that stands before its first Cluster. It is held, as each fragment that is stored begins with it. */
export const MAX_PRODUCER_HEADER_BYTES = 5 * 1024 * 1024;

/** Tracks with the CodecPrivate of three tracks. It is held a second time while it is read. */
export const MAX_TRACKS_BYTES = 4 * 1024 * 1024;

/** Info; real ones have some 100 bytes. It is held a second time while it is read. */
export const MAX_INFO_BYTES = 64 * 1024;

/** One Tags element. Ten tags at their longest take 5 KiB, whatever the sizes of their elements are written in. */
export const MAX_TAGS_BYTES = 64 * 1024;

/** All Tags elements that wait for their Cluster. */
export const MAX_LEADING_TAGS_BYTES = 256 * 1024;

/** What stands in a Cluster before its Timecode, which is held until the Timecode is known. */
export const MAX_CLUSTER_HEAD_BYTES = 4 * 1024;

/** What stands between the end of a fragment and the next Cluster, and belongs to none (Void, Cues). */
export const MAX_BYTES_BETWEEN_FRAGMENTS = 16 * 1024 * 1024;
