import type { ArchiveClientOptions } from './aws/archive-client.js';
import type { PaginateOptions } from './aws/paginator.js';
import type { PresignOptions } from './aws/presigner.js';
import type { AccessUnitForm } from './codecs/nal/access-unit.js';
import type { ExportPicturesOptions } from './dataset/export-pictures.js';
import type { AroundOptions } from './follow/around.js';
import type { FrameSelection } from './frames/frame-selector.js';
import type { TrackSelector } from './frames/track-selection.js';
import type { WaitForFragmentOptions } from './list/fragment-waiter.js';
import type { OptionNames } from './model/known-options.js';
import type { Quotas } from './pace/quotas.js';
import type { RateLimiter } from './pace/rate-limiter.js';
import type { OptionOfRange, PictureDecoderOptions } from './pictures/picture-decoder.js';
import { RUN_OPTION_NAMES, type RunOptions } from './run/run-options.js';

/** Options of {@link KvsArchive}. */
export interface KvsArchiveOptions extends ArchiveClientOptions {
	/**
	 * Paces the calls. @default one for this endpoint, region and stream, shared by the whole process; one of its own with a
	 * `clock`
	 */
	readonly limiter?: RateLimiter | undefined;
	/** The stream's quotas, where they are not the service's usual ones. Not together with `limiter`. */
	readonly quotas?: Partial<Quotas> | undefined;
}

/** Options of {@link KvsArchive.fragments}. */
export interface FragmentsOptions extends Pick<RunOptions, 'padStart' | 'duplicates'> {
	readonly signal?: AbortSignal | undefined;
	/** Fragments after which to stop. The source's `nextToken` then says where to go on. */
	readonly maxItems?: number | undefined;
	/** MaxResults of each call, 1 to 1,000. @default 1000 */
	readonly pageSize?: number | undefined;
	/** `nextToken` of an earlier listing, of this process or another. */
	readonly startingToken?: string | undefined;
}

/** Options of {@link KvsArchive.timeline}. */
export interface TimelineOptions {
	readonly signal?: AbortSignal | undefined;
	/** Reads a few fragments' headers to say what is in a span and where codecs change. @default true */
	readonly codecs?: boolean | undefined;
}

/** Options of {@link KvsArchive.events}. */
export interface EventsOptions extends RunOptions {
	/**
	 * The tracks whose frames are wanted, by number, type or name (`[1]`, `['video']`, `['AUDIO_FROM_CUSTOMER']`): an `ArchiveError`
	 * (`KVS_NO_SUCH_TRACK`) where the first fragment that has tracks lacks one. @default all
	 */
	readonly tracks?: readonly TrackSelector[] | undefined;
}

/** Options of {@link KvsArchive.frames}. */
export interface FramesOptions extends EventsOptions {
	/**
	 * Which frames, in archive order. Every frame of audio is a key frame: `'keyframes'` gives those too, unless `tracks` says
	 * otherwise. @default 'all'
	 */
	readonly select?: FrameSelection | undefined;
	/**
	 * Form of the access units of H.264 and H.265: as they are stored, or with start codes or lengths of four bytes, and with
	 * parameter sets before every key frame. Other codecs are given as they are stored. @default 'stored'
	 */
	readonly as?: AccessUnitForm | undefined;
}

/** Options of {@link KvsArchive.pictures}. */
export interface PicturesOptions extends EventsOptions, Omit<PictureDecoderOptions, OptionOfRange> {}

/** Options of {@link KvsArchive.clip}. */
export interface ClipOptions {
	readonly signal?: AbortSignal | undefined;
}

const fragments: OptionNames<FragmentsOptions> = {
	signal: true,
	maxItems: true,
	pageSize: true,
	startingToken: true,
	padStart: true,
	duplicates: true,
};
const timeline: OptionNames<TimelineOptions> = { signal: true, codecs: true };
const events: OptionNames<EventsOptions> = { ...RUN_OPTION_NAMES, tracks: true };
const frames: OptionNames<FramesOptions> = { ...events, select: true, as: true };
const pictures: OptionNames<PicturesOptions> = {
	...events,
	select: true,
	format: true,
	size: true,
	fit: true,
	quality: true,
	decoder: true,
	decoders: true,
	onFailure: true,
};
const { order: _, ...pictureNames } = pictures;
const exportPictures: OptionNames<ExportPicturesOptions> = {
	...pictureNames,
	layout: true,
	shardSizeBytes: true,
	onPicture: true,
};
const clip: OptionNames<ClipOptions> = { signal: true };
const paginate: OptionNames<PaginateOptions> = {
	maxItems: true,
	pageSize: true,
	startingToken: true,
	signal: true,
};
const presign: OptionNames<PresignOptions> = { expiresIn: true, method: true, signal: true };
const around: OptionNames<AroundOptions> = {
	beforeMs: true,
	afterMs: true,
	by: true,
	timeoutMs: true,
	signal: true,
};
const waitForFragment: OptionNames<WaitForFragmentOptions> = {
	timeoutMs: true,
	pollIntervalMs: true,
	signal: true,
};
const archive: OptionNames<KvsArchiveOptions> = {
	streamName: true,
	streamArn: true,
	region: true,
	endpoint: true,
	credentials: true,
	profile: true,
	responseTimeoutMs: true,
	clients: true,
	clock: true,
	limiter: true,
	quotas: true,
};

/** What each method of {@link KvsArchive} takes, by its name. */
export const OPTION_NAMES = {
	archive,
	fragments,
	timeline,
	events,
	frames,
	pictures,
	exportPictures,
	clip,
	paginate,
	presign,
	waitForFragment,
	around,
} as const;
