import { registeredCodecId } from '../../codecs/codec.js';
import { trackMedia } from '../../codecs/decide-track-media.js';
import { AccessUnit, nalCodecOf } from '../../codecs/nal/access-unit.js';
import type { TrackMedia } from '../../codecs/track-media.js';
import { areEqual } from '../../model/bytes.js';
import type { Frame } from '../../model/media-event.js';
import type { Track } from '../../model/track.js';
import type { SelectedFrame } from '../selected-frame.js';
import { type CodecParameters, CodedSequence, type HeldBytes } from './coded-sequence.js';

/** Codecs with which a decoder starts anew at every key frame, whatever it was given before. */
const ALWAYS_CLOSED: ReadonlySet<string> = new Set(['V_VP8', 'V_VP9', 'V_AV1', 'V_MJPEG', 'V_THEORA']);

/**
 * Divides the frames of one track, in decoding order, into sequences that decoders can be given independently of each other. A
 * sequence begins where the parameters change and where a group of pictures is closed; of H.264 and H.265 also where frames are
 * left out or missing before a key frame.
 */
export class SequenceDivider {
	readonly #heldBytes: HeldBytes;
	#parameters: CodecParameters | null = null;
	/** That of the last key frame. */
	#track: Track | null = null;
	#media: TrackMedia | null = null;
	#sequence: CodedSequence | null = null;
	/** Whether a frame after the key frame brought other parameter sets, which those after it may refer to. */
	#isBound = false;

	constructor(heldBytes: HeldBytes) {
		this.#heldBytes = heldBytes;
	}

	/** The sequence that a frame belongs to, which is not added to it; null for frames before the first key frame. */
	next({ frame, isNext }: SelectedFrame): CodedSequence | null {
		if (!frame.keyframe) {
			this.#isBound ||= this.#hasOtherParameterSets(frame);
			return this.#sequence;
		}
		const media = this.#mediaOf(frame);
		const before = this.#parameters;
		const parameters = this.#parametersOf(frame);
		this.#parameters = parameters;
		this.#track = frame.track;
		if (parameters !== before) this.#isBound = false;
		const begins = parameters !== before || (!this.#isBound && isIndependent(frame, isNext));
		if (begins || this.#sequence === null)
			this.#sequence = new CodedSequence(parameters, media, this.#heldBytes);
		this.#sequence.media = media;
		return this.#sequence;
	}

	/** What the track holds, by its header or else by this key frame or one before it. */
	#mediaOf({ track, data }: Frame): TrackMedia {
		const media = trackMedia(track, [data]);
		const known = this.#media;
		const keeps = media.missing !== null && known?.missing === null && this.#track === track;
		this.#media = keeps ? known : media;
		return this.#media;
	}

	/** The same object as those of the key frame before where they are equal. */
	#parametersOf(frame: Frame): CodecParameters {
		const { track } = frame;
		const before = this.#parameters;
		const isSameTrack =
			before !== null && (before.track === track || areEqual(before.track.entry, track.entry));
		const own = AccessUnit.of(frame)?.parameterSets ?? new Uint8Array(0);
		// A key frame without parameter sets of its own has those of its track, which may be those of the key frames before it.
		const isFromBefore = own.byteLength === 0 && isSameTrack && trackMedia(track).missing !== null;
		if (isSameTrack && (isFromBefore || areEqual(before.sets, own))) return before;
		return { track, sets: own, pictureBytes: null };
	}

	#hasOtherParameterSets(frame: Frame): boolean {
		const own = AccessUnit.of(frame)?.parameterSets;
		if (own === undefined || own.byteLength === 0) return false;
		return this.#parameters === null || !areEqual(this.#parameters.sets, own);
	}
}

/** Whether it is certain that a key frame, and those after it, are decoded the same whatever the decoder was given before. */
function isIndependent(frame: Frame, isNext: boolean): boolean {
	if (nalCodecOf(frame.track) === null) return ALWAYS_CLOSED.has(registeredCodecId(frame.track.codecId));
	const unit = AccessUnit.of(frame);
	return unit !== null && (unit.startsClosedGop || !isNext);
}
