import type { FileHandle } from 'node:fs/promises';
import { codedDurationMs } from '../../codecs/coded-duration.js';
import type { Element } from '../../ebml/element-body.js';
import { MediaError } from '../../errors.js';
import { discardPadding } from '../../mkv/discard-padding.js';
import { KEYFRAME_FLAG, type MatroskaHandler } from '../../mkv/parser/matroska-handler.js';
import type { Track } from '../../model/track.js';
import { counted } from '../../wording/counted.js';
import type { FileMedia } from '../file-media.js';
import { matroskaTracks } from './matroska-tracks.js';
import { Mp4File, orUnreadable } from './mp4-file.js';
import type { Mp4Sample } from './mp4-sample.js';
import type { Mp4Track } from './mp4-track.js';
import { SampleReader } from './sample-reader.js';
import { type SampleTally, tallySamples } from './sample-tally.js';

/** Milliseconds, as the service has them. */
const TIMECODE_SCALE_NS = 1_000_000;

/** Frames between two checks for finished fragments. */
const FRAMES_A_STEP = 64;

/** Sample entries of encrypted media (ISO 14496-12 §8.12). */
const ENCRYPTED = new Set(['encv', 'enca']);

/** One track of the file while it is read. */
interface OpenTrack {
	readonly source: Mp4Track;
	readonly media: Track;
	readonly pcmFrameBytes: number | null;
	/** By how much its frames are later than display, for the decoder to give the delay back (Matroska CodecDelay). */
	readonly codecDelayMs: number;
	readonly tally: SampleTally;
}

/**
 * Opens the media of an MP4 or MOV file: every sample of video and audio, of `moov` and of each `moof`, that the file holds as
 * a whole. What it does not hold, and tracks of other kinds, are named as omissions.
 *
 * A track begins where its edit list says; what lies before that (priming audio) is kept, at earlier times. Throws
 * `MediaError` for a track that Matroska cannot hold, for encrypted media, and where nothing is left.
 */
export async function openMp4(
	handle: FileHandle,
	sizeBytes: number,
	signal: AbortSignal,
): Promise<FileMedia> {
	const file = await Mp4File.open(handle, sizeBytes);
	const omissions = file.cutMessage === null ? [] : [`${file.cutMessage}; what would follow is not known`];
	const media = file.tracks.filter(({ handler }) => handler === 'vide' || handler === 'soun');
	for (const track of media) checkTrack(track);
	// Loaded by what opens MP4, as mediabunny takes half the time of importing the server.
	const { describeTracks } = await import('./describe-tracks.js');
	const described = await describeTracks(handle, sizeBytes, new Set(media.map(({ id }) => id)));
	const { tracks, codecDelaysMs, header } = matroskaTracks(described);
	const open: OpenTrack[] = [];
	for (const source of file.tracks) {
		const found = described.tracks.find(({ id }) => id === source.id);
		const pcmFrameBytes = found?.pcmFrameBytes ?? null;
		const tally = await tallySamples(file, source, pcmFrameBytes, signal);
		omissions.push(...omissionsOf(source, tally, found !== undefined));
		const track = tracks.find(({ number }) => number === found?.number);
		if (found === undefined || track === undefined || tally.samples === 0) continue;
		checkDescriptions(source, tally);
		const codecDelayMs = codecDelaysMs.get(found.number) ?? 0;
		open.push({ source, media: track, pcmFrameBytes, codecDelayMs, tally });
	}
	if (open.length === 0)
		throw new MediaError('KVS_MEDIA_UNSUPPORTED', `a file without frames${list(omissions)}`);
	const firstMs = Math.min(...open.map((track) => timeMs(track, track.tally.firstTicks)));
	const lastMs = Math.max(...open.map((track) => timeMs(track, track.tally.lastTicks)));
	return {
		tracks: open.map(({ media }) => media),
		timecodeScaleNs: TIMECODE_SCALE_NS,
		firstTicks: BigInt(firstMs),
		lastTicks: lastMs - firstMs,
		videoTrackNumber: open.find(({ media }) => media.type === 'video')?.media.number ?? null,
		omissions,
		feed: (handler, feedSignal) => feed(file, open, header, handler, feedSignal),
	};
}

/** When a frame is shown, whole milliseconds of the file; may be negative. */
function timeMs({ source, codecDelayMs }: OpenTrack, compositionTicks: number): number {
	const { delaySeconds, mediaTime } = source.edits;
	return Math.round(((compositionTicks - mediaTime) / source.timescale + delaySeconds) * 1000 + codecDelayMs);
}

/** Gives the frames of all tracks to the handler, each track in decode order, the tracks by the times of their next frames. */
async function* feed(
	file: Mp4File,
	open: readonly OpenTrack[],
	header: readonly { readonly id: number; readonly body: Uint8Array }[],
	handler: MatroskaHandler,
	signal: AbortSignal,
): AsyncGenerator<void> {
	for (const { id, body } of header) handler.header(id, body, 0);
	handler.clusterStart(0n, 0);
	const cursors: SampleCursor[] = [];
	for (const track of open) cursors.push(await SampleCursor.open(file, track));
	for (let frames = 0; ; frames++) {
		if (frames % FRAMES_A_STEP === 0) {
			signal.throwIfAborted();
			yield;
		}
		let earliest: SampleCursor | null = null;
		for (const cursor of cursors) {
			if (cursor.sample !== null && (earliest === null || cursor.timeMs < earliest.timeMs)) earliest = cursor;
		}
		if (earliest?.sample == null) break;
		const { offset, sizeBytes, isKeyframe } = earliest.sample;
		const { track, sample, timeMs } = earliest;
		const bytes = await earliest.reader.read(offset, sizeBytes);
		const flags = isKeyframe ? KEYFRAME_FLAG : 0;
		await earliest.advance();
		const others = earliest.sample === null ? endOfTrack(track, sample, bytes) : [];
		handler.block(track.media.number, timeMs, flags, bytes, 0, sizeBytes, -1, offset, others);
	}
	handler.documentEnd(file.sizeBytes);
	yield;
}

/**
 * What Matroska says of a track's last frame: how much of it is not to be played. An MP4 of Opus gives the last packet a shorter
 * duration, or ends its edit before it (Opus in ISOBMFF §4.4).
 */
function endOfTrack(
	{ source, media }: OpenTrack,
	{ compositionTicks, durationTicks }: Mp4Sample,
	bytes: Uint8Array,
): readonly Element[] {
	const codedMs = media.codec === 'opus' ? codedDurationMs(media, bytes) : null;
	if (codedMs === null) return [];
	const untilEdit = (source.edits.endTime ?? Number.POSITIVE_INFINITY) - compositionTicks;
	const playedMs = (Math.max(0, Math.min(durationTicks, untilEdit)) * 1000) / source.timescale;
	const paddingNs = Math.round((codedMs - playedMs) * 1e6);
	if (paddingNs <= 0) return [];
	return [{ ...discardPadding(paddingNs), offset: 0 }];
}

/** The reading position in a track. */
class SampleCursor {
	readonly track: OpenTrack;
	readonly reader: SampleReader;
	/** The next sample that the file holds; null at the end. */
	sample: Mp4Sample | null = null;
	timeMs = 0;
	readonly #fileBytes: number;
	readonly #batches: AsyncIterator<Iterator<Mp4Sample>>;
	#batch: Iterator<Mp4Sample> | null = null;

	private constructor(file: Mp4File, track: OpenTrack) {
		this.track = track;
		this.reader = new SampleReader(file.handle, file.sizeBytes);
		this.#fileBytes = file.sizeBytes;
		this.#batches = file.samples(track.source, track.pcmFrameBytes);
	}

	static async open(file: Mp4File, track: OpenTrack): Promise<SampleCursor> {
		const cursor = new SampleCursor(file, track);
		await cursor.advance();
		return cursor;
	}

	async advance(): Promise<void> {
		for (;;) {
			const next = this.#batch === null ? null : orUnreadable(() => this.#batch?.next());
			if (next != null && next.done !== true) {
				if (next.value.offset + next.value.sizeBytes > this.#fileBytes) continue;
				this.sample = next.value;
				this.timeMs = timeMs(this.track, next.value.compositionTicks);
				return;
			}
			const { value, done } = await this.#batches.next();
			this.#batch = done === true ? null : value;
			if (done === true) {
				this.sample = null;
				return;
			}
		}
	}
}

function checkTrack({ id, descriptions }: Mp4Track): void {
	const encrypted = descriptions.find(({ type }) => ENCRYPTED.has(type));
	if (encrypted === undefined) return;
	throw new MediaError('KVS_MEDIA_UNSUPPORTED', `track ${id} is encrypted (\`${encrypted.type}\`)`);
}

/** A track of Matroska has one configuration for all of its frames. */
function checkDescriptions({ id, descriptions }: Mp4Track, tally: SampleTally): void {
	const used = [...tally.descriptions].map((number) => descriptions[number - 1]);
	const [first] = used;
	const differs = used.some((description) => first === undefined || !description?.body.equals(first.body));
	// mediabunny takes the last description for the one of all.
	if (!differs && first?.body.equals(descriptions.at(-1)?.body ?? first.body)) return;
	throw new MediaError(
		'KVS_MEDIA_UNSUPPORTED',
		`track ${id} has ${descriptions.length} sample descriptions that differ, and a stream's track has one`,
	);
}

function omissionsOf(track: Mp4Track, tally: SampleTally, isTaken: boolean): string[] {
	const { id, handler, descriptions, edits } = track;
	const { samples, bytes, missingSamples, missingBytes } = tally;
	const kind = { vide: 'video', soun: 'audio' }[handler] ?? 'neither video nor audio';
	const codec = descriptions[0]?.type.trim() ?? handler;
	const name = `track ${id} (${kind}, \`${codec}\`)`;
	if (samples + missingSamples === 0) return [`${name} is left out: it has no frames`];
	if (!isTaken)
		return [
			`${name} is left out: ${counted(samples + missingSamples, 'sample')} of ${counted(bytes + missingBytes, 'byte')}`,
		];
	const omissions: string[] = [];
	if (missingSamples > 0) {
		omissions.push(
			`${name} names ${counted(samples + missingSamples, 'frame')} of ${counted(bytes + missingBytes, 'byte')}; the file ends before ` +
				`${missingSamples} of them (${counted(missingBytes, 'byte')}) do, and ${samples} are taken`,
		);
	}
	if (edits.parts > 1) {
		omissions.push(
			`${name} is taken whole, in the order of its media: its edit list has ${edits.parts} parts`,
		);
	}
	return omissions;
}

function list(omissions: readonly string[]): string {
	return omissions.length === 0 ? '' : `: ${omissions.join('; ')}`;
}
