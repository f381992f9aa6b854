/* The entry `kvs-archive/mkv` of browsers, and `kvs-archive/mkv/core`: Matroska bytes to events, without a module of Node. */
export { findLateTracks, type LateTracks } from './demux/late-tracks.js';
export { type Chunks, type ReadMkvOptions, readFragmentHeader, readMkv } from './demux/read-mkv.js';
export { ArchiveError, type KvsErrorCode, MediaError } from './errors.js';
export { FAILURE_NAMES, type FailureName } from './model/failure-name.js';
export {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	Frame,
	type FrameCluster,
	GapEvent,
	type GapKind,
	type MediaEvent,
} from './model/media-event.js';
export type { Tag } from './model/tag.js';
export { Track, type TrackFields, type TrackType } from './model/track.js';
