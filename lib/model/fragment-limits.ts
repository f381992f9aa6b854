/*
 * What the service takes as a fragment: its Limits page, and the documentation of PutMedia and of fragment metadata. The
 * server holds producers to it, and a producer itself.
 */

/** A fragment with its tags. */
export const MAX_FRAGMENT_BYTES = 50_000_000;

/** From a fragment's earliest frame to its latest. */
export const MAX_FRAGMENT_DURATION_NS = 20_000_000_000;

/** Tracks of a producer. Each must have a frame in every fragment. */
export const MAX_PRODUCER_TRACKS = 3;

/** Tags of one fragment. */
export const MAX_FRAGMENT_TAGS = 10;

/** Name of such a tag, in UTF-8. */
export const MAX_TAG_NAME_BYTES = 128;

/** Value of such a tag, in UTF-8. */
export const MAX_TAG_VALUE_BYTES = 256;

/** CodecPrivate of one track (limits of the producer libraries). */
export const MAX_CODEC_PRIVATE_BYTES = 1024 * 1024;

/** What no name of a producer's tag begins with, but for {@link RESERVED_TAG_NAMES}. */
export const RESERVED_TAG_PREFIX = 'AWS';

/** A tag by which a producer says that a fragment is whole. It is not stored as one. */
export const END_OF_FRAGMENT_TAG = 'AWS_KINESISVIDEO_END_OF_FRAGMENT';

/** Tags with such a name that a producer may send: they start what they say in the service. */
export const RESERVED_TAG_NAMES: ReadonlySet<string> = new Set([
	'AWS_KINESISVIDEO_IMAGE_GENERATION',
	'AWS_KINESISVIDEO_IMAGE_PREFIX',
	'AWS_KINESISVIDEO_NOTIFICATION',
]);
