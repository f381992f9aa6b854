import { extname } from 'node:path';
import { audioFormat } from '../codecs/audio-format.js';
import { trackMedia } from '../codecs/decide-track-media.js';
import { InvalidOptionError, SinkError } from '../errors.js';
import type { Track } from '../model/track.js';

/** The kinds of files that media can be written to, by the ending of their names. */
export type Container = 'mkv' | 'webm' | 'mp4' | 'mov' | 'm4a' | 'wav';

/** Codecs by the beginnings of their codec strings, else by CodecID, in plain words. */
const codecNames = {
	'H.264': /^(?:avc1\.|V_MPEG4\/ISO\/AVC$)/,
	'H.265': /^(?:hvc1\.|V_MPEGH\/ISO\/HEVC$)/,
	AAC: /^(?:mp4a\.40\.|A_AAC(?:\/|$))/,
	Opus: /^opus$/,
	// MP4 has words for deeper samples, but players take them for 16 bits (ffmpeg 5.1 does).
	'16-bit PCM': /^(?:pcm-s16(?:be)?$|A_PCM\/)/,
	'G.711': /^[ua]law$/,
	VP8: /^vp8$/,
	// Many producers leave out what a codec string of these is made of.
	VP9: /^(?:vp09\.|V_VP9$)/,
	AV1: /^(?:av01\.|V_AV1$)/,
	Vorbis: /^vorbis$/,
	PCM: /^(?:pcm-(?:u8|s16|s24|s32|f32|s16be|s24be|s32be)$|A_PCM\/)/,
};

/** What each container holds that does not hold everything. */
const holdings: Readonly<Record<Exclude<Container, 'mkv'>, readonly (keyof typeof codecNames)[]>> = {
	webm: ['VP8', 'VP9', 'AV1', 'Opus', 'Vorbis'],
	mp4: ['H.264', 'H.265', 'AAC', 'Opus', '16-bit PCM'],
	mov: ['H.264', 'H.265', 'AAC', 'Opus', 'PCM', 'G.711'],
	m4a: ['AAC', 'Opus', '16-bit PCM'],
	wav: ['PCM', 'G.711'],
};

/** All of them. */
export const CONTAINERS: readonly Container[] = ['mkv', ...(Object.keys(holdings) as Container[])];

/** Those that hold audio alone. */
const audioContainers: ReadonlySet<Container> = new Set(['m4a', 'wav']);

/** Whether a container holds audio alone: an export into it takes the audio tracks where none are named. */
export function isAudioContainer(container: Container): boolean {
	return audioContainers.has(container);
}

/** Throws `InvalidOptionError` for any other value; `option`: its name in the message. */
export function checkContainer(option: string, container: Container): void {
	if (CONTAINERS.includes(container)) return;
	throw new InvalidOptionError(option, `one of ${CONTAINERS.join(', ')}`, container);
}

/** The kind of file a name asks for. Throws `InvalidOptionError` for an ending that nothing here writes. */
export function containerOf(file: string): Container {
	const ending = extname(file).slice(1).toLowerCase();
	const container = CONTAINERS.find((name) => name === ending);
	if (container !== undefined) return container;
	const endings = CONTAINERS.map((name) => `.${name}`).join(', ');
	throw new InvalidOptionError('output', `a file name that ends in one of ${endings}`, file);
}

/**
 * Makes sure that a container can hold the tracks as they are, without re-encoding any. Throws `SinkError`
 * (`KVS_CODEC_NOT_SUPPORTED`) for the first that it cannot. Matroska holds everything.
 */
export function checkTracks(file: string, container: Container, tracks: readonly Track[]): void {
	if (container === 'mkv') return;
	const names = holdings[container];
	for (const stored of tracks) {
		const { track, missing } = trackMedia(stored);
		const codec = audioFormat(track)?.codec ?? track.codec ?? track.codecId;
		if (!names.some((name) => codecNames[name].test(codec))) {
			const all = new Intl.ListFormat('en-GB').format(names);
			throw refusal(file, track, `.${container} holds ${all}`);
		}
		const reason =
			(missing === null ? null : `it has ${missing}`) ??
			(container === 'webm' ? null : missingParameter(track)) ??
			(container === 'wav' ? differenceOf(track, tracks[0]) : null);
		if (reason !== null) throw refusal(file, track, reason);
	}
}

/** What a header must say and the track does not. */
function missingParameter({ type, sampleRate, channels, width, height }: Track): string | null {
	if (type === 'audio' && !(sampleRate && channels))
		return 'its sample rate or number of channels is unknown';
	return type === 'video' && !(width && height) ? 'its width or height is unknown' : null;
}

/** Why a track cannot be in one WAV file with another. */
function differenceOf(track: Track, first: Track | undefined): string | null {
	if (first === undefined || first === track) return null;
	if (audioFormat(track)?.codec === audioFormat(first)?.codec && track.sampleRate === first.sampleRate)
		return null;
	return `all audio in one .wav has the same codec and sample rate, and track ${first.number} is ${describe(first)}`;
}

function refusal(file: string, track: Track, reason: string): SinkError {
	const name = track.name === null || track.name === '' ? '' : ` \`${track.name}\``;
	return new SinkError(
		'KVS_CODEC_NOT_SUPPORTED',
		file,
		`cannot write \`${file}\`: track ${track.number}${name} is ${describe(track)}, and ${reason}; choose other tracks (option \`tracks\`), or another ending (.mkv holds everything)`,
	);
}

function describe({ codec, codecId, type, sampleRate }: Track): string {
	const coding = codec === null ? codecId : `${codec} (${codecId})`;
	return type === 'audio' && sampleRate ? `${coding} at ${sampleRate} Hz` : coding;
}
