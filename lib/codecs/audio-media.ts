import type { Track, TrackFields } from '../model/track.js';
import { audioSpecificConfigOfAdts, rawBlocksOfAdts } from './adts-frames.js';
import {
	type AudioConfiguration,
	audioSpecificConfig,
	rawAacConfigOfWaveFormat,
	readAudioSpecificConfig,
	readWaveFormat,
} from './audio-configuration.js';
import { audioFormat } from './audio-format.js';
import { changedTrack } from './changed-track.js';
import { codecDetails, isConnectTrackName } from './codec.js';
import { OPUS_HEAD_BYTES, opusHead } from './opus-head.js';
import type { TrackMedia } from './track-media.js';

const NONE: readonly Uint8Array[] = [];
const isWhole = (): boolean => true;

/** Spellings from before AAC had a CodecPrivate (Matroska §7, "A_AAC/…"): their audio object types. */
const oldAacTypes: ReadonlyMap<string, number> = new Map([
	['MAIN', 1],
	['LC', 2],
	['SSR', 3],
	['LTP', 4],
	['LC/SBR', 5],
]);

/** What a track holds that is not made of NAL units: see {@link TrackMedia}. */
export function audioMedia(track: Track, frames: Iterable<Uint8Array>): TrackMedia {
	const { codecId, codecPrivate, name } = track;
	if (codecId === 'A_AAC' && isConnectTrackName(name)) {
		const { isMislabelled: _, ...details } = codecDetails({ codecId, codecPrivate, name });
		return media(changedTrack(track, { ...details, codecId: 'A_PCM/INT/LIT', codecPrivate: null }));
	}
	if (/^A_AAC(?:\/|$)/.test(codecId)) return aacMedia(track, frames);
	if (codecId === 'A_MS/ACM') return acmMedia(track);
	if (codecId === 'A_OPUS') return opusMedia(track);
	return media(track, codecId.startsWith('A_PCM/') ? lackOfPcm(track) : null);
}

function lackOfPcm(track: Track): string | null {
	if (audioFormat(track) !== null) return null;
	return track.bitDepth === undefined
		? 'no bit depth'
		: `samples of ${track.bitDepth} bits, which are not supported`;
}

function media(track: Track, missing: string | null = null): TrackMedia {
	return { track, missing, frames: (stored) => (stored.byteLength === 0 ? NONE : [stored]), isWhole };
}

function aacMedia(track: Track, frames: Iterable<Uint8Array>): TrackMedia {
	const config = aacConfigOf(track) ?? aacConfigOfFrames(frames);
	const details = config === null ? null : readAudioSpecificConfig(config);
	const isDescribed = config !== null && details !== null;
	const lack =
		(track.codecPrivate?.byteLength ?? 0) === 0 ? 'no CodecPrivate' : 'a CodecPrivate that is not valid';
	return {
		track: isDescribed
			? changedTrack(track, { codecId: 'A_AAC', codecPrivate: config, ...aacFields(track, details) })
			: track,
		missing: isDescribed ? null : `${lack}, and its frames have no ADTS header`,
		frames: (stored) => {
			if (stored.byteLength === 0) return NONE;
			return (stored[0] === 0xff ? rawBlocksOfAdts(stored) : null) ?? [stored];
		},
		isWhole,
	};
}

/** The AudioSpecificConfig by the header; null where it takes frames. */
function aacConfigOf({ codecId, codecPrivate, sampleRate, channels }: Track): Uint8Array | null {
	if (codecPrivate !== null && codecPrivate.byteLength > 0) {
		// Some producers send the first bytes of a frame with ADTS headers.
		const config = codecPrivate[0] === 0xff ? audioSpecificConfigOfAdts(codecPrivate) : codecPrivate;
		return config !== null && readAudioSpecificConfig(config)?.sampleRate ? config : null;
	}
	const objectType = oldAacTypes.get(codecId.replace(/^A_AAC\/MPEG[24]\//, ''));
	if (objectType === undefined || !sampleRate || !channels) return null;
	return audioSpecificConfig(objectType, sampleRate, channels);
}

function aacConfigOfFrames(frames: Iterable<Uint8Array>): Uint8Array | null {
	for (const frame of frames) {
		const config = audioSpecificConfigOfAdts(frame);
		if (config !== null) return config;
	}
	return null;
}

/** The rate is doubled by SBR and the channels by parametric stereo, which a configuration need not say: neither contradicts it. */
function aacFields(
	{ sampleRate, channels }: Track,
	{ codec, ...details }: AudioConfiguration,
): Partial<TrackFields> {
	const factor = sampleRate && details.sampleRate ? sampleRate / details.sampleRate : 0;
	const isRateKnown = factor === 1 || factor === 2 || factor === 0.5;
	const areChannelsKnown = channels && (details.channels === null || channels >= details.channels);
	return {
		codec,
		...(isRateKnown || details.sampleRate === null ? {} : { sampleRate: details.sampleRate }),
		...(areChannelsKnown || details.channels === null ? {} : { channels: details.channels }),
	};
}

/** The WAVEFORMATEX says what the frames are, whatever the Audio element does. */
function acmMedia(track: Track): TrackMedia {
	const format = track.codecPrivate === null ? null : readWaveFormat(track.codecPrivate);
	if (track.codecPrivate === null || format === null) {
		return media(track, 'no CodecPrivate that is a WAVEFORMATEX');
	}
	const fields: Partial<TrackFields> = {
		codec: format.codec,
		...(format.sampleRate === null ? {} : { sampleRate: format.sampleRate }),
		...(format.channels === null ? {} : { channels: format.channels }),
		...(format.bitDepth === null ? {} : { bitDepth: format.bitDepth }),
	};
	const config = rawAacConfigOfWaveFormat(track.codecPrivate);
	if (config === null) return media(changedTrack(track, fields));
	return aacMedia(changedTrack(track, { ...fields, codecId: 'A_AAC', codecPrivate: config }), []);
}

function opusMedia(track: Track): TrackMedia {
	const { codecPrivate, channels, sampleRate } = track;
	if (codecPrivate !== null && codecPrivate.byteLength >= OPUS_HEAD_BYTES) return media(track);
	const head = channels && sampleRate ? opusHead(channels, sampleRate, track.codecDelayNs) : null;
	if (head === null)
		return media(track, 'no CodecPrivate, and nothing else says how its channels are laid out');
	return media(changedTrack(track, { codecPrivate: head }));
}
