import { toBase64 } from './tag.js';

/** Matroska's track types by their name (Matroska §5.1.4.1.3); any other number is `other`. */
export type TrackType =
	| 'video'
	| 'audio'
	| 'complex'
	| 'logo'
	| 'subtitle'
	| 'buttons'
	| 'control'
	| 'metadata'
	| 'other';

/** The fields of a {@link Track}. */
export interface TrackFields {
	readonly number: number;
	readonly type: TrackType;
	readonly codecId: string;
	readonly codec: string | null;
	readonly name: string | null;
	readonly codecPrivate: Uint8Array | null;
	readonly width?: number | undefined;
	readonly height?: number | undefined;
	readonly sampleRate?: number | undefined;
	readonly channels?: number | undefined;
	readonly bitDepth?: number | undefined;
	readonly defaultDurationNs: number | null;
	/** See {@link Track.codecDelayNs}. @default 0 */
	readonly codecDelayNs?: number | undefined;
	readonly entry: Uint8Array;
	readonly uid?: bigint | null | undefined;
	readonly nalFormat?: 'annex-b' | 'length-prefixed' | undefined;
	readonly nalLengthBytes?: number | undefined;
	/** See {@link Track.rotation}. @default 0 */
	readonly rotation?: Track['rotation'] | undefined;
	/** See {@link Track.undoEncodings}. Absent where the frames are stored as they are. */
	readonly undoEncodings?: Track['undoEncodings'] | undefined;
}

/**
 * A track of a fragment. Consecutive fragments whose headers are equal to the byte share one object, so a change of
 * track is a change of identity.
 */
export class Track {
	/** Matroska TrackNumber. */
	readonly number: number;
	readonly type: TrackType;
	/** Matroska CodecID as the producer wrote it, without padding. */
	readonly codecId: string;
	/**
	 * RFC 6381 codec string (`avc1.42c028`, `mp4a.40.2`), or the name in the WebCodecs registry where RFC 6381 has none
	 * (`ulaw`, `pcm-s16`); null where it is not known. This, not `codecId`, says what the frames are: Amazon Connect
	 * writes `A_AAC` over 16-bit PCM.
	 */
	readonly codec: string | null;
	readonly name: string | null;
	/** Matroska CodecPrivate: an AVC decoder configuration record for H.264, an AudioSpecificConfig for AAC. */
	readonly codecPrivate: Uint8Array | null;
	/** Pixels. Video only, where the container or else the codec's parameters say so. */
	declare readonly width?: number;
	/** Pixels. Video only, where the container or else the codec's parameters say so. */
	declare readonly height?: number;
	/** Hz. Audio only, where the container or else the codec's parameters say so. */
	declare readonly sampleRate?: number;
	/** Audio only, where the container or else the codec's parameters say so. */
	declare readonly channels?: number;
	/** Bits a sample. Audio only, where the container or else the codec's parameters say so. */
	declare readonly bitDepth?: number;
	readonly #defaultDurationNs: number | null;
	readonly #codecDelayNs: number;
	readonly #entry: Uint8Array;
	readonly #uid: bigint | null;
	readonly #nalFormat: 'annex-b' | 'length-prefixed' | null;
	readonly #nalLengthBytes: number | null;
	readonly #rotation: 0 | 90 | 180 | 270;
	readonly #undoEncodings: Track['undoEncodings'];

	constructor(fields: TrackFields) {
		this.number = fields.number;
		this.type = fields.type;
		this.codecId = fields.codecId;
		this.codec = fields.codec;
		this.name = fields.name;
		this.codecPrivate = fields.codecPrivate;
		for (const key of ['width', 'height', 'sampleRate', 'channels', 'bitDepth'] as const) {
			if (fields[key] !== undefined) Object.assign(this, { [key]: fields[key] });
		}
		this.#defaultDurationNs = fields.defaultDurationNs;
		this.#codecDelayNs = fields.codecDelayNs ?? 0;
		this.#entry = fields.entry;
		this.#uid = fields.uid ?? null;
		this.#nalFormat = fields.nalFormat ?? null;
		this.#nalLengthBytes = fields.nalLengthBytes ?? null;
		this.#rotation = fields.rotation ?? 0;
		this.#undoEncodings = fields.undoEncodings ?? null;
	}

	/** Matroska TrackUID, all 64 bits of it; null where the header has none. */
	get uid(): bigint | null {
		return this.#uid;
	}

	/**
	 * H.264 and H.265: how the NAL units of a frame are delimited, by start codes or by a length before each, as
	 * `codecPrivate` says. Null for other codecs and where there is no `codecPrivate`.
	 */
	get nalFormat(): 'annex-b' | 'length-prefixed' | null {
		return this.#nalFormat;
	}

	/** Bytes of such a length, 1 to 4; null for other codecs and for start codes. */
	get nalLengthBytes(): number | null {
		return this.#nalLengthBytes;
	}

	/** Degrees by which a player turns the video, clockwise: Matroska's ProjectionPoseRoll, to the nearest quarter. */
	get rotation(): 0 | 90 | 180 | 270 {
		return this.#rotation;
	}

	/** Matroska DefaultDuration: nanoseconds a frame, null where the header does not say. */
	get defaultDurationNs(): number | null {
		return this.#defaultDurationNs;
	}

	/**
	 * Matroska CodecDelay: by how many nanoseconds frames are played before their times, which the decoder needs to begin
	 * (the pre-skip of Opus). 0 where the header does not say.
	 */
	get codecDelayNs(): number {
		return this.#codecDelayNs;
	}

	/**
	 * The TrackEntry's body, for muxers of Matroska: byte for byte, or, where the frames were compressed (ContentEncodings), as it
	 * is for the decoded frames.
	 */
	get entry(): Uint8Array {
		return this.#entry;
	}

	/**
	 * Gives a frame's bytes as they were before the container compressed them (Matroska ContentEncodings); `offset` is the
	 * block's place in the payload, for the {@link MediaError} it throws where it cannot. Null for a track whose frames are stored
	 * as they are. Frames that were read are decoded already.
	 */
	get undoEncodings(): ((stored: Uint8Array, offset: number) => Uint8Array) | null {
		return this.#undoEncodings;
	}

	/** The documented JSON: `codecPrivate` in base64. */
	toJSON(): object {
		return Object.assign({}, this, { codecPrivate: this.codecPrivate && toBase64(this.codecPrivate) });
	}
}
