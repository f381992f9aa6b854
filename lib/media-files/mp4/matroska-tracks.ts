import { preSkipOf } from '../../codecs/opus-head.js';
import { ID, idOf } from '../../ebml/ebml-schema.js';
import { element, unsigned } from '../../ebml/ebml-writer.js';
import { childrenOf } from '../../ebml/element-body.js';
import { elementOf } from '../../mkv/matroska-writer.js';
import { MatroskaParser } from '../../mkv/parser/matroska-parser.js';
import { readTracks } from '../../mkv/tracks.js';
import type { Track } from '../../model/track.js';
import type { DescribedTracks } from './describe-tracks.js';

/** What a pre-skip is counted in (RFC 7845 §4.2). */
const OPUS_SAMPLE_RATE = 48_000;

/** Matroska recommends decoding 80 ms of Opus before the position that is played (codec mapping of A_OPUS). */
const OPUS_SEEK_PRE_ROLL_NS = 80_000_000;

const SEEK_PRE_ROLL = idOf('SeekPreRoll');
const CODEC_DELAY = idOf('CodecDelay');

/** Tracks of an MP4 as Matroska has them. */
export interface MatroskaTracks {
	readonly tracks: readonly Track[];
	/** By track number: how much earlier a frame is shown than its time says. Tracks without are absent. */
	readonly codecDelaysMs: ReadonlyMap<number, number>;
	/** The Tags of the file. */
	readonly header: readonly { readonly id: number; readonly body: Uint8Array }[];
}

/** Reads the tracks that mediabunny described, and gives Opus its CodecDelay and SeekPreRoll. */
export function matroskaTracks({ matroska }: DescribedTracks): MatroskaTracks {
	let described: Track[] = [];
	const header: { id: number; body: Uint8Array }[] = [];
	const parser = new MatroskaParser({
		documentStart() {},
		documentEnd() {},
		clusterStart() {},
		block() {},
		header(id, body) {
			if (id === ID.Tracks) described = readTracks(body);
			else if (id === ID.Tags) header.push({ id, body });
		},
	});
	parser.write(matroska);
	const codecDelaysMs = new Map<number, number>();
	const tracks = described.map((track) => {
		if (track.codecId !== 'A_OPUS' || track.codecPrivate === null) return track;
		const delayNs = Math.round((preSkipOf(track.codecPrivate) * 1e9) / OPUS_SAMPLE_RATE);
		codecDelaysMs.set(track.number, delayNs / 1e6);
		return withDelay(track, delayNs);
	});
	return { tracks, codecDelaysMs, header };
}

/** mediabunny writes the delay as SeekPreRoll. */
function withDelay(track: Track, delayNs: number): Track {
	const kept = [...childrenOf(track.entry)].filter(({ id }) => id !== SEEK_PRE_ROLL && id !== CODEC_DELAY);
	const entry = Buffer.concat([
		...kept.flatMap(({ id, body }) => elementOf(id, [body])),
		...unsigned('CodecDelay', delayNs),
		...unsigned('SeekPreRoll', OPUS_SEEK_PRE_ROLL_NS),
	]);
	return readTracks(Buffer.concat(element('TrackEntry', [entry])))[0] as Track;
}
