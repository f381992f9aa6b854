// Longer than 300 lines: the public class, with one short method for each thing that can be done with a stream.
import { ArchiveClient } from './aws/archive-client.js';
import { isRetryableRequest } from './aws/aws-errors.js';
import type { OperationParams } from './aws/operations.js';
import { canPaginate, type PaginateOptions, Paginator } from './aws/paginator.js';
import type { PresignedRequest, PresignOptions } from './aws/presigner.js';
import type { ServiceContext } from './aws/service-context.js';
import { resolveClipRange } from './clip/clip-range.js';
import { ClipStream } from './clip/clip-stream.js';
import type { ExportPicturesOptions, ExportPicturesSummary } from './dataset/export-pictures.js';
import { InvalidOptionError } from './errors.js';
import type { ExportOptions, ExportSource } from './export/range/export-options.js';
import type { ExportSummary } from './export/range/export-summary.js';
import { type FeedStream, feed } from './feed/feed.js';
import type { FeedOptions } from './feed/feed-options.js';
import type { OutputFolder } from './files/output-folder.js';
import type { RemotePlace } from './files/remote-place.js';
import { type AroundOptions, type AroundRange, around, type EventMoment } from './follow/around.js';
import type { FollowOptions } from './follow/follow-options.js';
import type { FollowStream } from './follow/follow-stream.js';
import { openFollow } from './follow/open-follow.js';
import { TrackSelection } from './frames/track-selection.js';
import { ImageSource, type ImageStream } from './images/image-source.js';
import type { ImagesOptions } from './images/images-options.js';
import {
	type ClipOptions,
	type EventsOptions,
	type FragmentsOptions,
	type FramesOptions,
	type KvsArchiveOptions,
	OPTION_NAMES,
	type PicturesOptions,
	type TimelineOptions,
} from './kvs-archive-options.js';
import type { FragmentStream } from './list/fragment-source.js';
import { type FragmentStart, type WaitForFragmentOptions, waitForFragment } from './list/fragment-waiter.js';
import type { LiveOptions } from './live/live-options.js';
import type { Fragment } from './model/fragment.js';
import { checkOptionNames } from './model/known-options.js';
import type { FragmentEndEvent, Frame, MediaEvent, RunEvent } from './model/media-event.js';
import { FRESH_START, type RunStart } from './model/run-start.js';
import type { TimeRange } from './model/time-range.js';
import { type Clock, systemClock } from './pace/clock.js';
import { resolveQuotas } from './pace/quotas.js';
import { createRateLimiter, type RateLimiter } from './pace/rate-limiter.js';
import { retry } from './pace/retry.js';
import { streamLimiter } from './pace/shared-rate-limiter.js';
import { placeOf } from './place-of.js';
import type { DashSessionOptions } from './playback/dash-session-options.js';
import type { HlsSessionOptions } from './playback/hls-session-options.js';
import type { DashSession, HlsSession } from './playback/playback-session.js';
import type { Ack } from './put/ack.js';
import { putMedia } from './put/put-media.js';
import { type PutMediaOptions, resolvePutMediaTimes } from './put/put-media-options.js';
import type { RawExportOptions, RawExportSummary } from './raw/export-raw.js';
import type { RecordOptions } from './record/record-options.js';
import type { RecordSummary } from './record/record-stream.js';
import { allEvents, type EventStream, publicEvents } from './run/event-stream.js';
import { readTracks } from './run/fragment-tracks.js';
import { pickFrames } from './run/frame-pick.js';
import { openListing } from './run/listing.js';
import { openLive } from './run/open-live.js';
import { openPictures, type PictureResumption } from './run/open-pictures.js';
import { type MediaRun, openRun } from './run/open-run.js';
import type { PictureStream } from './run/picture-stream.js';
import type { RunOptions } from './run/run-options.js';
import { destroyOnAbort } from './stream/abort.js';
import { TimelineSource, type TimelineStream } from './timeline/timeline-source.js';

/**
 * The archive of one stream, read by time range.
 *
 * No request is sent before something is read. What is handed in (clients, limiter, signal) is never closed
 * here; connections made here are closed by `close`, after which every method throws `ArchiveError` (`KVS_CLOSED`), or
 * rejects with it.
 */
export class KvsArchive implements AsyncDisposable {
	/** The service for this stream, for programs that join the parts themselves. */
	readonly client: ArchiveClient;
	readonly #limiter: RateLimiter;
	readonly #connections: number;
	readonly #clock: Clock;
	/** As whom other services are called. */
	readonly #identity: Pick<KvsArchiveOptions, 'region' | 'profile' | 'credentials'>;

	constructor(options: KvsArchiveOptions) {
		checkOptionNames(options, OPTION_NAMES.archive);
		const { limiter, quotas, clock, region, profile, credentials } = options;
		this.#identity = { region, profile, credentials };
		if (limiter !== undefined && quotas !== undefined) {
			throw new InvalidOptionError('quotas', 'left out where `limiter` is given', quotas);
		}
		this.client = new ArchiveClient(options);
		this.#clock = clock ?? systemClock;
		// Who shares a limiter must agree on what time it is.
		const own = clock === undefined ? limiter : (limiter ?? createRateLimiter(quotas, { clock }));
		this.#limiter = streamLimiter(own, () => this.client.quotaKey(), quotas);
		this.#connections = resolveQuotas(quotas).connections;
	}

	/** The fragments of a range, each once, sorted by the range's clock and then by number. */
	fragments(range: TimeRange, options: FragmentsOptions = {}): FragmentStream {
		checkOptionNames(options, OPTION_NAMES.fragments);
		const { signal, padStart, duplicates, ...listing } = options;
		const fragments = openListing(range, { padStart, duplicates }, { ...this.#service, ...listing });
		if (signal !== undefined) destroyOnAbort(fragments, signal);
		return fragments;
	}

	/**
	 * What is stored in a range: spans of fragments that meet on the producer's clock, what is between them, and where
	 * codecs change; last a total. From the listing, and the headers of at most 100 fragments.
	 */
	timeline(range: TimeRange, options: TimelineOptions = {}): TimelineStream {
		checkOptionNames(options, OPTION_NAMES.timeline);
		const { signal, codecs = true } = options;
		const service = this.#service;
		const timeline = new TimelineSource({
			range,
			list: (part, partSignal) => this.fragments(part, { signal: partSignal }).batches(),
			readTracks: codecs
				? (fragment, readSignal) => readTracks(fragment, { ...service, signal: readSignal })
				: null,
		});
		if (signal !== undefined) destroyOnAbort(timeline, signal);
		return timeline;
	}

	/** Everything in a range as typed events, in archive order: fragments sorted by the range's clock, then by number. */
	events(range: TimeRange, options: EventsOptions = {}): EventStream {
		checkOptionNames(options, OPTION_NAMES.events);
		const tracks = selectionOf(options);
		return this.#run<MediaEvent>(range, options, { startAt: 'time', tracks, pick: publicEvents });
	}

	/**
	 * The encoded frames of a range. Failures do not show in between: the stream's `summary` counts them, and `strict`
	 * makes the first one an error.
	 */
	frames(range: TimeRange, options: FramesOptions = {}): EventStream<Frame> {
		checkOptionNames(options, OPTION_NAMES.frames);
		const pick = pickFrames(options);
		return this.#run<Frame>(
			range,
			{ ...options, padStart: options.padStart ?? true },
			{ startAt: 'time', tracks: selectionOf(options), pick },
		);
	}

	/**
	 * The decoded pictures of a range's video tracks, each track in presentation order. Frames are chosen before they are
	 * decoded, and counted in presentation order; with `select: { count }`, and `{ everyMs }` of 5 s or more, only fragments that may
	 * hold one of the pictures are requested, and counted. Needs ffmpeg, unless `decoder` is another: fails with
	 * `KVS_FFMPEG_NOT_FOUND` where there is none. Frames that cannot be decoded are skipped, reported to `onFailure` and counted.
	 */
	pictures(range: TimeRange, options: PicturesOptions = {}): PictureStream {
		checkOptionNames(options, OPTION_NAMES.pictures);
		return this.#pictures(range, options, selectionOf(options, { type: 'video' }));
	}

	/**
	 * Writes the pictures of a range into a folder, as a model's loader reads them: a file each with a list (`files`), Hugging Face's
	 * `imagefolder`, or tar shards for WebDataset. Each track is a sequence of its own, in presentation order. `manifest.jsonl` comes last
	 * and proves what is there ({@link verifyDataset}). Stopped by an abort, an error or the end of the process, the same call
	 * goes on and ends with the same bytes; a finished folder is checked and never changed. Rejects with `SinkError`
	 * (`KVS_SINK_FAILED`) where the folder is another request's or in use, and `KVS_EMPTY_RANGE` where no picture comes.
	 */
	async exportPictures(
		range: TimeRange,
		folder: string | OutputFolder,
		options: ExportPicturesOptions = {},
	): Promise<ExportPicturesSummary> {
		checkOptionNames(options, OPTION_NAMES.exportPictures);
		const tracks = selectionOf(options, { type: 'video' });
		const { padStart = true, duplicates } = options;
		const { client, clock } = this.#service;
		const place = await placeOf('folder', folder, this.#identity);
		const { exportPictures } = await import('./dataset/export-pictures.js');
		return exportPictures(range, place, options, {
			stream: client.stream,
			clock,
			pictures: (past, { events, ...resumption }) =>
				this.#pictures(range, { ...options, ...resumption }, tracks, { past, watch: events }),
			fragments: (signal) => this.fragments(range, { signal, padStart, duplicates }),
		});
	}

	/**
	 * Images that the service makes of a range (GetImages): the picture that is shown at `from`, and one every `everyMs`, up to `to`.
	 * All pages of as many calls as the range takes, in order, each time once; a time without an image is an item too. Needs no
	 * ffmpeg; {@link pictures} gives pictures of every frame, and costs fewer calls.
	 */
	images(range: TimeRange, options: ImagesOptions = {}): ImageStream {
		const images = new ImageSource(range, options, this.#service);
		if (options.signal !== undefined) destroyOnAbort(images, options.signal);
		return images;
	}

	/**
	 * Writes a range into a playable file, by remuxing: `.mkv`, `.webm`, `.mp4`, `.mov`, `.m4a` or `.wav`. It appears when it is
	 * whole and replaces one of that name, with a manifest beside it; where one file cannot hold the range (the codec
	 * parameters change), or `split` says so, there are several, numbered. Stopped by an abort, an error or the end of the
	 * process, the same call goes on from there; over a finished export whose manifest still holds, it changes nothing. An
	 * empty range is an error (`KVS_EMPTY_RANGE`).
	 *
	 * @param file - a path, `s3://BUCKET/KEY`, or `s3(…)` of `kvs-archive/s3`
	 */
	async export(
		range: TimeRange,
		file: string | RemotePlace,
		options: ExportOptions = {},
	): Promise<ExportSummary> {
		const { client, clock } = this.#service;
		const source: ExportSource = {
			stream: client.stream,
			clock,
			events: (past, how) =>
				this.#run<RunEvent>(
					range,
					{ ...options, order: 'archive', padStart: options.padStart ?? true },
					{ ...how, pick: allEvents, past },
				),
			fragments: (signal) => this.fragments(range, { signal }),
		};
		const place = await placeOf('file', file, this.#identity);
		if (typeof place === 'string') {
			const { exportRange } = await import('./export/range/export-range.js');
			return exportRange(range, place, options, source);
		}
		const { exportRemote } = await import('./export/range/export-remote.js');
		return exportRemote(range, place, options, source);
	}

	/**
	 * Writes a range into a file byte for byte as the service sends it, tags of the service included: the fragments that begin in the
	 * range, in archive order, one Matroska document after the other. The local archive ingests it with the same fragment numbers, times and
	 * bytes. Only whole fragments are in it; the summary counts and names the others. It appears when it is whole and
	 * replaces one of that name; what was stopped begins again. A range without a whole fragment is an error (`KVS_EMPTY_RANGE`).
	 *
	 * @param file - a path, `s3://BUCKET/KEY`, or `s3(…)` of `kvs-archive/s3`
	 */
	async exportRaw(
		range: TimeRange,
		file: string | RemotePlace,
		options: RawExportOptions = {},
	): Promise<RawExportSummary> {
		this.client.checkOpen();
		const { exportRaw, exportRawRemote, wholeFragments } = await import('./raw/export-raw.js');
		const openFragments = (): EventStream<FragmentEndEvent> =>
			this.#run<FragmentEndEvent>(range, options, {
				startAt: 'time',
				keepDocuments: true,
				pick: wholeFragments,
			});
		const place = await placeOf('file', file, this.#identity);
		return typeof place === 'string'
			? exportRaw(place, options, openFragments)
			: exportRawRemote(place, options, openFragments);
	}

	/**
	 * A range as one MP4 file, as the service makes it (GetClip): H.264 or H.265, and AAC or G.711. What begins in the range is in it,
	 * and time in which nothing was recorded need not be. A range that is too long for the service (200 fragments, 100 MB, a day) is
	 * divided, and its clips are joined: the index is then at the end of the file. Throws `InvalidOptionError`; errors of the service,
	 * for codecs too, are the stream's.
	 */
	clip(range: TimeRange, options: ClipOptions = {}): ClipStream {
		checkOptionNames(options, OPTION_NAMES.clip);
		const service = this.#service;
		const resolved = resolveClipRange(range, service.clock.now());
		const clip = new ClipStream({
			...service,
			range: resolved,
			list: (signal, onCall) => {
				const fragments = openListing(range, {}, { ...service, onCall });
				destroyOnAbort(fragments, signal);
				return fragments.batches();
			},
		});
		if (options.signal !== undefined) destroyOnAbort(clip, options.signal);
		return clip;
	}

	/**
	 * A URL that plays: of a range (`{ from, to }`), of what is recorded now, or of a range as if it were live. Rejects with
	 * `InvalidOptionError` for what the service would refuse, before a request is sent, and with `RequestError`: with
	 * `awsName` `ResourceNotFoundException` also where there is nothing to play, or with one of the service's for codecs that
	 * cannot be played.
	 */
	async hlsSession({
		signal,
		...options
	}: HlsSessionOptions & { readonly signal?: AbortSignal | undefined } = {}): Promise<HlsSession> {
		const { openHlsSession } = await import('./playback/playback-session.js');
		return openHlsSession(options, { ...this.#service, signal });
	}

	/** The same for DASH players: the URL of a manifest. Errors as for `hlsSession`. */
	async dashSession({
		signal,
		...options
	}: DashSessionOptions & { readonly signal?: AbortSignal | undefined } = {}): Promise<DashSession> {
		const { openDashSession } = await import('./playback/playback-session.js');
		return openDashSession(options, { ...this.#service, signal });
	}

	/**
	 * Creates a presigned request, as boto3's `generate_presigned_url` does: of an operation by AWS's name or boto3's, with its
	 * parameters. The stream is filled in where they name none. Nothing is sent but the GetDataEndpoint request.
	 * Rejects with `InvalidOptionError` and `RequestError`.
	 */
	async presign<Name extends string>(
		operation: Name,
		params: OperationParams<Name> = {} as OperationParams<Name>,
		options: PresignOptions = {},
	): Promise<PresignedRequest> {
		checkOptionNames(options, OPTION_NAMES.presign);
		const { client, clock } = this.#service;
		const presign = (): Promise<PresignedRequest> =>
			client.presign(operation, params, { ...options, nowMs: clock.now() });
		return retry(presign, { isRetryable: isRetryableRequest, signal: options.signal, clock });
	}

	/** Whether an operation, by AWS's name or boto3's, responds in pages. Throws `InvalidOptionError` for an unknown name. */
	canPaginate(operation: string): boolean {
		this.client.checkOpen();
		return canPaginate(operation);
	}

	/**
	 * The pages of an operation as the service gives them, unordered; {@link fragments} gives fragments in order. `params` as
	 * for {@link presign}. Throws `ArchiveError` (`KVS_NOT_PAGEABLE`) for an operation without pages.
	 */
	paginate<Name extends string>(
		operation: Name,
		params: OperationParams<Name> = {} as OperationParams<Name>,
		options: PaginateOptions = {},
	): Paginator<Name> {
		checkOptionNames(options, OPTION_NAMES.paginate);
		return new Paginator(operation, params, options, this.#service);
	}

	/**
	 * Waits until a fragment that begins at `from` or later is listed; resolves with the first. Rejects with `ArchiveError`
	 * (`KVS_WAIT_TIMEOUT`) when that takes too long, with a `RequestError`, and with the signal's reason.
	 */
	async waitForFragment(start: FragmentStart, options: WaitForFragmentOptions = {}): Promise<Fragment> {
		checkOptionNames(options, OPTION_NAMES.waitForFragment);
		return waitForFragment(start, options, this.#service);
	}

	/**
	 * The media of the stream while it grows (GetMedia), as the events of {@link events}, without end. What breaks off, or ends
	 * after the service's 45 minutes, goes on after the last whole fragment; a service that is unreachable is waited for. Fails with
	 * `RequestError` where the stream does not exist, or not any more, and where the call is denied or invalid.
	 */
	live(options: LiveOptions): EventStream {
		return openLive(options, this.#service);
	}

	/**
	 * Puts media into the stream (PutMedia): one Matroska document, whose Clusters become fragments, and gives the service's
	 * acknowledgements as they come. See {@link putMedia} for what is sent when, and how it ends.
	 */
	putMedia(
		media: AsyncIterable<Uint8Array>,
		options: PutMediaOptions = {},
	): AsyncGenerator<Ack, void, undefined> {
		const { client, clock } = this.#service;
		const times = resolvePutMediaTimes(options, clock.now());
		return putMedia(media, times, { client, clock, signal: options.signal });
	}

	/**
	 * A camera made of a file (its path; Matroska, WebM, MP4, MOV) or of Matroska from a pipe: cuts it at key frames into fragments
	 * that the service takes, puts them into the stream, reconnects where a connection breaks off, and sends again what was not
	 * stored. Gives the acknowledgements, and ends when every fragment is PERSISTED or refused. What cannot be fed is a `MediaError`
	 * before anything is sent.
	 */
	feed(media: string | AsyncIterable<Uint8Array>, options: FeedOptions = {}): FeedStream {
		const { client, clock } = this.#service;
		return feed(media, options, { client, clock, random: Math.random });
	}

	/**
	 * Everything that comes into the stream, from a time on and without end, each fragment once, in the order of the server's clock
	 * (one that is listed late comes late). With a checkpoint it goes on where it was, in another process too. Throttles, 5xx and
	 * a service that is unreachable for a while do not end it; a stream that does not exist any more does (`KVS_NOT_FOUND`), or keeps nothing
	 * any more (`KVS_NO_RETENTION`), and a call that is denied (`KVS_DENIED`).
	 */
	follow(options: FollowOptions = {}): FollowStream {
		return openFollow(options, { ...this.#service, connections: this.#connections });
	}

	/**
	 * Records what comes into the stream, without end: finished files in a directory, named by their exact start, each frame in exactly
	 * one, and a line for each in `recordings.jsonl`. Every fragment is on the disk before it is done, so the next call goes on where
	 * this process was killed. An abort finishes the open file, then rejects with the signal's reason, and so does a stream
	 * that exists no more (`KVS_NOT_FOUND`); `until` resolves. One recorder and one stream a directory: others are refused
	 * (`KVS_SINK_FAILED`). A disk that takes no more rejects likewise, and leaves the open file to the next call.
	 *
	 * Into S3 finished files go from a directory of this machine. `checkpoint` then moves past a fragment when the object that holds it is
	 * there: a machine that is lost loses nothing. S3 that is unreachable is waited for.
	 *
	 * @param directory - a path, `s3://BUCKET/FOLDER/`, or `s3(…)` of `kvs-archive/s3`
	 */
	async record(directory: string | RemotePlace, options: RecordOptions = {}): Promise<RecordSummary> {
		const { client, clock } = this.#service;
		const place = await placeOf('directory', directory, this.#identity);
		const { recordStream } = await import('./record/record-stream.js');
		const follow = (followOptions: FollowOptions): FollowStream => this.follow(followOptions);
		return recordStream(place, options, { stream: client.stream, clock, follow });
	}

	/**
	 * The range around a moment (a time, a fragment number, a notification of the service), once it is stored: for any method that
	 * takes a range. Waits until a later fragment is listed, or for `timeoutMs`; `isComplete` says which.
	 */
	async around(at: EventMoment, options: AroundOptions): Promise<AroundRange> {
		checkOptionNames(options, OPTION_NAMES.around);
		return around(at, options, this.#service);
	}

	/** Closes the connections made here. Runs that are under way fail, and so does every further call: `KVS_CLOSED`. */
	async close(): Promise<void> {
		this.client.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	/** What calls are made with. */
	get #service(): ServiceContext {
		this.client.checkOpen();
		return { client: this.client, limiter: this.#limiter, clock: this.#clock };
	}

	/** `watch`: called with what is read, before it is decoded. */
	#pictures(
		range: TimeRange,
		options: PicturesOptions & PictureResumption,
		tracks: TrackSelection | null,
		{ past = FRESH_START, watch }: { past?: RunStart; watch?: (events: readonly RunEvent[]) => void } = {},
	): PictureStream {
		const { clock } = this.#service;
		return openPictures(range, options, {
			clock,
			openFrames: ({ padStart, pick, ...how }) => {
				const watched = (events: readonly RunEvent[]): MediaEvent[] => {
					watch?.(events);
					return pick(events);
				};
				const frames = { ...how, startAt: 'key-frame', tracks, past, pick: watched } as const;
				return this.#run<MediaEvent>(range, { ...options, padStart }, frames);
			},
			list: (padStart, signal) =>
				this.fragments(range, { padStart, duplicates: options.duplicates, signal }).batches(),
		});
	}

	#run<E>(
		range: TimeRange,
		options: RunOptions,
		how: Pick<
			MediaRun<E>,
			'startAt' | 'completeTags' | 'tracks' | 'keepDocuments' | 'pick' | 'past' | 'wanted'
		>,
	): EventStream<E> {
		return openRun({ ...this.#service, connections: this.#connections, range, options, ...how });
	}
}

function selectionOf({ tracks }: EventsOptions, options: { type?: 'video' } = {}): TrackSelection | null {
	return tracks === undefined ? null : new TrackSelection(tracks, options);
}
