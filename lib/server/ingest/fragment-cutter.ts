import { ID } from '../../ebml/ebml-schema.js';
import { element } from '../../ebml/ebml-writer.js';
import { MediaError } from '../../errors.js';
import { PictureSpan } from '../../gaps/picture-span.js';
import { framesInBlock } from '../../mkv/lacing.js';
import { block, cluster, MAX_RELATIVE_TICKS, MIN_RELATIVE_TICKS } from '../../mkv/matroska-writer.js';
import { KEYFRAME_FLAG, type MatroskaHandler } from '../../mkv/parser/matroska-handler.js';
import { sizeOf } from '../../model/bytes.js';
import { MAX_FRAGMENT_BYTES, MAX_FRAGMENT_DURATION_NS } from '../../model/fragment-limits.js';
import { counted } from '../../wording/counted.js';

/** Length of a fragment of audio alone. */
const AUDIO_FRAGMENT_NS = 2_000_000_000;

/** Headers of a Cluster and its Timecode at their longest: two ids, two sizes, eight bytes of time. */
const MAX_CLUSTER_HEAD_BYTES = 4 + 8 + 1 + 1 + 8;

/** The flags of a block besides the key frame flag: invisible, lacing, discardable (Matroska §10.2). */
const CARRIED_FLAGS = 0x0f;

/** A fragment, cut and ready to be written. */
export interface CutFragment {
	/** The Tags of the file that stood before its first frame. The service repeats a producer's header with each fragment. */
	readonly headerTags: readonly Uint8Array[];
	/** Its Cluster and the Tags that followed one of its frames, as slices of the input. */
	readonly cluster: readonly Uint8Array[];
	/** Time of its first frame in file order, from the file's first frame. */
	readonly startTicks: number;
	/** Last frame's time minus the first's. */
	readonly lengthTicks: number;
	readonly frames: number;
	/** Of the video track alone; empty where there is none. */
	readonly pictures: PictureSpan;
}

/** What {@link FragmentCutter} must know of the file. */
export interface FragmentCutterOptions {
	readonly timecodeScaleNs: number;
	/** Time of the file's first frame in file order, in ticks. */
	readonly firstTicks: bigint;
	/** Numbers of all tracks. */
	readonly trackNumbers: ReadonlySet<number>;
	/** The track whose key frames begin fragments; null for audio alone, cut every 2 seconds. */
	readonly videoTrackNumber: number | null;
	/** Bytes that every chunk has besides its Cluster. */
	readonly chunkOverheadBytes: number;
}

/**
 * Cuts the frames of one document into fragments, in file order, none changed.
 *
 * A key frame of the video track begins a fragment; audio that precedes the first one belongs to it. Where key frames are
 * too far apart, a fragment ends before it would break a limit of the service or of Matroska's relative times. Tags before
 * the first frame go with every fragment, later ones with the fragment of the frame before them, as in the service. Finished
 * fragments wait in {@link finished} for the caller to take them.
 */
export class FragmentCutter implements MatroskaHandler {
	/** Complete fragments; the caller removes them. */
	readonly finished: CutFragment[] = [];
	readonly #options: FragmentCutterOptions;
	readonly #maxTicks: number;
	readonly #audioTicks: number;
	readonly #maxBlockBytes: number;
	#clusterTicks = 0n;
	#hasPicture = false;
	#hasCut = false;
	#hasFrames = false;

	readonly #headerTags: Uint8Array[] = [];
	#headerTagBytes = 0;
	#tags: Uint8Array[] = [];
	#slices: Uint8Array[] = [];
	#bytes = 0;
	#frames = 0;
	#startTicks = 0;
	#clusterTimecode = 0;
	#minTicks = 0;
	#maxTicksSeen = 0;
	#pictures = new PictureSpan();

	constructor(options: FragmentCutterOptions) {
		this.#options = options;
		this.#maxTicks = Math.floor(MAX_FRAGMENT_DURATION_NS / options.timecodeScaleNs);
		this.#audioTicks = Math.floor(AUDIO_FRAGMENT_NS / options.timecodeScaleNs);
		this.#maxBlockBytes = MAX_FRAGMENT_BYTES - options.chunkOverheadBytes - MAX_CLUSTER_HEAD_BYTES;
	}

	documentStart(): void {}

	documentEnd(): void {
		this.#finish();
	}

	header(id: number, body: Uint8Array): void {
		if (id !== ID.Tags) return;
		const tags = element('Tags', [Uint8Array.from(body)]);
		if (this.#hasFrames) {
			this.#tags.push(...tags);
			this.#bytes += sizeOf(tags);
		} else {
			this.#headerTags.push(...tags);
			this.#headerTagBytes += sizeOf(tags);
		}
	}

	clusterStart(timecode: bigint): void {
		this.#clusterTicks = timecode;
	}

	block(
		trackNumber: number,
		relativeTicks: number,
		flags: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		durationTicks: number,
		offset: number,
		others: readonly { readonly id: number; readonly body: Uint8Array }[] = [],
	): void {
		if (!this.#options.trackNumbers.has(trackNumber)) {
			throw malformedAt(`a frame of track ${trackNumber}, which the header does not name,`, offset);
		}
		const ticks = Number(this.#clusterTicks - this.#options.firstTicks) + relativeTicks;
		const isPicture = trackNumber === this.#options.videoTrackNumber;
		const isKeyframe = (flags & KEYFRAME_FLAG) !== 0;
		if (
			this.#frames > 0 &&
			(this.#beginsFragment(isPicture && isKeyframe, ticks) || !this.#fits(ticks, end - start))
		) {
			this.#finish();
		}
		if (this.#frames === 0) this.#begin(ticks);
		this.#hasFrames = true;
		if (isPicture) {
			this.#hasPicture = true;
			this.#pictures.add(ticks);
		}
		const slices = block({
			trackNumber,
			relativeTicks: this.#relativeTicks(ticks, offset),
			keyframe: isKeyframe,
			durationTicks: durationTicks < 0 ? undefined : durationTicks,
			flags: flags & CARRIED_FLAGS,
			others,
			data: bytes.subarray(start, end),
		});
		this.#slices.push(...slices);
		this.#bytes += sizeOf(slices);
		if (this.#bytes > this.#maxBlockBytes - this.#headerTagBytes) {
			throw new MediaError(
				'KVS_MEDIA_UNSUPPORTED',
				`expected a frame that fits a fragment of at most ${MAX_FRAGMENT_BYTES} bytes, got one of ${counted(end - start, 'byte')} at byte ${offset}`,
				{ offset },
			);
		}
		this.#frames += framesInBlock(flags, bytes, start);
		this.#minTicks = Math.min(this.#minTicks, ticks);
		this.#maxTicksSeen = Math.max(this.#maxTicksSeen, ticks);
	}

	#beginsFragment(isPictureKeyframe: boolean, ticks: number): boolean {
		if (this.#options.videoTrackNumber === null) return ticks - this.#startTicks >= this.#audioTicks;
		return isPictureKeyframe && (this.#hasPicture || this.#hasCut);
	}

	#fits(ticks: number, frameBytes: number): boolean {
		const lengthTicks = Math.max(ticks, this.#maxTicksSeen) - Math.min(ticks, this.#minTicks);
		const relative = ticks - this.#clusterTimecode;
		return (
			lengthTicks <= this.#maxTicks &&
			relative >= MIN_RELATIVE_TICKS &&
			relative <= MAX_RELATIVE_TICKS &&
			this.#bytes + frameBytes + MAX_BLOCK_HEAD_BYTES <= this.#maxBlockBytes - this.#headerTagBytes
		);
	}

	#begin(ticks: number): void {
		this.#startTicks = ticks;
		// A Timecode is unsigned: frames before the file's first one differ by their relative times alone.
		this.#clusterTimecode = Math.max(0, ticks);
		this.#minTicks = ticks;
		this.#maxTicksSeen = ticks;
	}

	#relativeTicks(ticks: number, offset: number): number {
		const relative = ticks - this.#clusterTimecode;
		if (relative < MIN_RELATIVE_TICKS) {
			throw malformedAt('a frame that lies too far before the first one of the file', offset);
		}
		return relative;
	}

	#finish(): void {
		if (this.#frames === 0) return;
		this.finished.push({
			headerTags: this.#headerTags,
			cluster: [...cluster(BigInt(this.#clusterTimecode), this.#slices), ...this.#tags],
			startTicks: this.#clusterTimecode,
			lengthTicks: this.#maxTicksSeen - this.#minTicks,
			frames: this.#frames,
			pictures: this.#pictures,
		});
		this.#pictures = new PictureSpan();
		this.#slices = [];
		this.#tags = [];
		this.#bytes = 0;
		this.#frames = 0;
		this.#hasCut = true;
	}
}

/** Room for a BlockGroup's headers, a duration and a reference around a frame. */
const MAX_BLOCK_HEAD_BYTES = 64;

function malformedAt(what: string, offset: number): MediaError {
	return new MediaError('KVS_MKV_MALFORMED', `${what} at byte ${offset}`, { offset });
}
