import { registeredCodecId } from '../../codecs/codec.js';
import { idOf } from '../../ebml/ebml-schema.js';
import { master, type Slices, string, unsigned } from '../../ebml/ebml-writer.js';
import { childrenOf, type Element } from '../../ebml/element-body.js';
import { elementOf } from '../../mkv/matroska-writer.js';
import { concatBytes } from '../../model/bytes.js';
import type { Track } from '../../model/track.js';

const VIDEO = idOf('Video');

/** Its pictures are turned by then: were they still to be turned, a newer ffmpeg would write that into its images, too. (Matroska §5.1.4.1.28.41; younger than the table of elements.) */
const PROJECTION = 0x7670;

/** What the proportions of a pixel follow from, and the matrix and range of the colours: elements of Video. */
const DISPLAY_SIZE = [idOf('DisplayWidth'), idOf('DisplayHeight')];
const DISPLAY_UNIT = idOf('DisplayUnit');
const COLOUR = 0x55b0;

/** Without a size to show it at, the proportions of a pixel are those that its parameter sets say. */
const UNKNOWN_DISPLAY_UNIT = 4;

/** The body of the TrackEntry that a decoder gets for a track, as it is but for its rotation. */
export function decoderTrack({ entry }: Track): Uint8Array {
	const children = [...childrenOf(entry)].map(({ id, body }) =>
		elementOf(id, id === VIDEO ? videoWithout([PROJECTION], body) : [body]),
	);
	return concatBytes(children.flat());
}

/** Likewise without a CodecPrivate: of H.264 and H.265, whose key frames bring their parameter sets, whatever the producer wrote where. */
export function decoderTrackOfNalUnits({ number, codecId, width, height, entry }: Track): Uint8Array {
	const video = [...childrenOf(entry)].find(({ id }) => id === VIDEO);
	const said = video === undefined ? [] : [...childrenOf(video.body)];
	return Buffer.concat([
		...unsigned('TrackNumber', number),
		...unsigned('TrackUID', number),
		...unsigned('TrackType', 1),
		...string('CodecID', registeredCodecId(codecId)),
		...master('Video', [
			...(width === undefined || height === undefined
				? []
				: [unsigned('PixelWidth', width), unsigned('PixelHeight', height)]),
			...displayOf(said),
			...copiesOf(said, [COLOUR]),
		]),
	]);
}

function displayOf(said: readonly Element[]): Slices[] {
	const hasSize = DISPLAY_SIZE.every((size) => said.some(({ id }) => id === size));
	if (!hasSize) return [unsigned('DisplayUnit', UNKNOWN_DISPLAY_UNIT)];
	return copiesOf(said, [...DISPLAY_SIZE, DISPLAY_UNIT]);
}

function copiesOf(said: readonly Element[], ids: readonly number[]): Slices[] {
	return said.filter(({ id }) => ids.includes(id)).map(({ id, body }) => elementOf(id, [body]));
}

function videoWithout(ids: readonly number[], video: Uint8Array): Uint8Array[] {
	return [...childrenOf(video)].flatMap(({ id, body }) => (ids.includes(id) ? [] : elementOf(id, [body])));
}
