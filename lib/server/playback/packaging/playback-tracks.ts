import { registeredCodecId } from '../../../codecs/codec.js';
import { avcParameterSets, hevcParameterSets } from '../../../codecs/nal/parameter-sets.js';
import { areEqual } from '../../../model/bytes.js';
import type { Track } from '../../../model/track.js';
import { ServiceError } from '../../wire/service-error.js';

/** The tracks of a fragment that are played: 1 and, where there are two, 2. Never empty. */
export type PlaybackTracks = readonly Track[];

/** The protocols of playback sessions. */
export type PlaybackProtocol = 'hls' | 'dash';

const videoCodecIds = new Set(['V_MPEG4/ISO/AVC', 'V_MPEGH/ISO/HEVC']);
const AAC = 'A_AAC';
/** Audio in a Windows format, of which the service takes G.711. */
const ACM = 'A_MS/ACM';

/** The tracks that are played, in words, and their audio's codecs; `isAudioAllowedAlone`: without video too. */
const formats = {
	hls: { audio: [AAC], isAudioAllowedAlone: true },
	dash: { audio: [AAC, ACM], isAudioAllowedAlone: false },
	any: { audio: [AAC, ACM], isAudioAllowedAlone: true },
};

/**
 * Checks the tracks of a fragment against the formats that the service plays (GetHLSStreamingSessionURL,
 * GetDASHStreamingSessionURL and GetClip of the API reference): H.264 or H.265 in track 1 and, with it, AAC in track 2; in
 * DASH and clips G.711 as well; in HLS AAC alone in track 1 as well. Each with codec private data that is all a decoder
 * needs. `any` takes what one of them takes, of what has been checked before.
 *
 * The tracks are what `trackMedia` makes of a producer's: the service refuses bare parameter sets as private data, and
 * private data that is missing; here they are taken from where they are, and only what is nowhere is refused.
 *
 * Throws UnsupportedStreamMediaTypeException, MissingCodecPrivateDataException or InvalidCodecPrivateDataException.
 */
export function playbackTracks(tracks: readonly Track[], format: keyof typeof formats): PlaybackTracks {
	const { audio, isAudioAllowedAlone } = formats[format];
	const inOrder = [...tracks].sort((a, b) => a.number - b.number);
	const codecIds = inOrder.map(({ codecId }) => registeredCodecId(codecId));
	const [first = '', second] = codecIds;
	const isAudioAlone = isAudioAllowedAlone && first === AAC && second === undefined;
	const isVideo = videoCodecIds.has(first) && (second === undefined || audio.includes(second));
	const areNumbered = inOrder.every(({ number }, index) => number === index + 1);
	if (inOrder.length > 2 || !areNumbered || !(isAudioAlone || isVideo)) {
		const got = inOrder.map(({ number, codecId }) => `${number}: ${codecId}`).join(', ') || 'none';
		throw new ServiceError(
			'UnsupportedStreamMediaTypeException',
			400,
			`The type of the media cannot be played: track 1 must be V_MPEG/ISO/AVC or V_MPEG/ISO/HEVC and track 2, if any, ${audio.join(' or ')}${isAudioAllowedAlone ? '; or track 1 A_AAC alone' : ''}. Got ${got}.`,
		);
	}
	for (const track of inOrder) checkPrivateData(track);
	return inOrder;
}

/** What of two fragments' tracks must be equal for one initialization to do for both. */
export function decodesAlike(a: PlaybackTracks, b: PlaybackTracks): boolean {
	return (
		isSameLayout(a, b) &&
		a.every(({ codecPrivate }, index) =>
			areEqual(codecPrivate as Uint8Array, b[index]?.codecPrivate as Uint8Array),
		)
	);
}

/** Whether two fragments have the same tracks of the same codecs: all that may change in a session is private data. */
export function isSameLayout(a: PlaybackTracks, b: PlaybackTracks): boolean {
	return (
		a.length === b.length &&
		a.every(({ codecId }, index) => registeredCodecId(codecId) === registeredCodecId(b[index]?.codecId ?? ''))
	);
}

function checkPrivateData(track: Track): void {
	const { number, codecId, codecPrivate } = track;
	if (codecPrivate === null || codecPrivate.byteLength === 0) {
		throw new ServiceError(
			'MissingCodecPrivateDataException',
			400,
			`Missing codec private data in fragment for track ${number}.`,
		);
	}
	const isAudio = track.type === 'audio';
	const isKnown = codecId === ACM ? track.codec === 'alaw' || track.codec === 'ulaw' : track.codec !== null;
	const isUsable = isAudio
		? isKnown && isPositive(track.sampleRate) && isPositive(track.channels)
		: track.nalFormat === 'length-prefixed' &&
			isPositive(track.width) &&
			isPositive(track.height) &&
			parameterSets(track).length > 0;
	if (!isUsable) {
		throw new ServiceError(
			'InvalidCodecPrivateDataException',
			400,
			`Invalid codec private data in fragment for track ${number}.`,
		);
	}
}

/** The parameter sets of a video track; none for other tracks and for private data that has not got them all. */
export function parameterSets({ codecId, codecPrivate }: Track): readonly Uint8Array[] {
	if (codecPrivate === null) return [];
	const id = registeredCodecId(codecId);
	if (id === 'V_MPEG4/ISO/AVC') return avcParameterSets(codecPrivate) ?? [];
	return id === 'V_MPEGH/ISO/HEVC' ? (hevcParameterSets(codecPrivate) ?? []) : [];
}

function isPositive(value: number | undefined): boolean {
	return value !== undefined && value > 0;
}
