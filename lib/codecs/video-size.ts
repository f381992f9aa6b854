import { BitReader } from './bit-reader.js';
import { withoutEmulationPrevention } from './nal/nal-format.js';

/** Width or height of video by a sequence parameter set: H.264 level 6.2 ends at 16,888, H.265 level 7.2 at 33,776. */
const MAX_PICTURE_SIDE = 65_536;

/** What a sequence parameter set says of its video. */
export interface VideoSize {
	/** Pixels, cropped as the stream asks. */
	readonly width: number;
	/** Pixels, cropped as the stream asks. */
	readonly height: number;
	/** chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
	readonly chromaFormat: number;
	/** Bits a sample of luma, and of chroma. */
	readonly lumaDepth: number;
	readonly chromaDepth: number;
}

/** Profiles whose sequence parameter set says what the chroma is like (ISO 14496-10 §7.3.2.1.1). */
const PROFILES_WITH_CHROMA: ReadonlySet<number> = new Set([
	100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135,
]);

/** Size of video by an H.264 sequence parameter set, with its NAL unit header; null where it cannot be read. */
export function readAvcVideoSize(parameterSet: Uint8Array): VideoSize | null {
	return attempt(parameterSet.subarray(1), (reader) => {
		const profile = reader.bits(8);
		reader.skip(16);
		reader.unsignedGolomb();
		let chromaFormat = 1;
		let isSeparate = false;
		let [lumaDepth, chromaDepth] = [8, 8];
		if (PROFILES_WITH_CHROMA.has(profile)) {
			chromaFormat = reader.unsignedGolomb();
			isSeparate = chromaFormat === 3 && reader.flag();
			lumaDepth += reader.unsignedGolomb();
			chromaDepth += reader.unsignedGolomb();
			reader.skip(1);
			if (reader.flag()) skipScalingLists(reader, chromaFormat === 3 ? 12 : 8);
		}
		reader.unsignedGolomb();
		const orderType = reader.unsignedGolomb();
		if (orderType === 0) reader.unsignedGolomb();
		else if (orderType === 1) skipOrderCycle(reader);
		reader.unsignedGolomb();
		reader.skip(1);
		const width = (reader.unsignedGolomb() + 1) * 16;
		const mapUnits = reader.unsignedGolomb() + 1;
		const isFrameOnly = reader.flag();
		const fieldFactor = isFrameOnly ? 1 : 2;
		if (!isFrameOnly) reader.skip(1);
		reader.skip(1);
		const { horizontal, vertical } = readCrop(reader);
		const [unitX, unitY] = chromaUnits(isSeparate ? 0 : chromaFormat);
		return {
			width: width - horizontal * unitX,
			height: mapUnits * 16 * fieldFactor - vertical * unitY * fieldFactor,
			chromaFormat,
			lumaDepth,
			chromaDepth,
		};
	});
}

/** Size of video by an H.265 sequence parameter set (ITU-T H.265 §7.3.2.2), with its NAL unit header; null where it cannot be read. */
export function readHevcVideoSize(parameterSet: Uint8Array): VideoSize | null {
	return attempt(parameterSet.subarray(2), (reader) => {
		reader.skip(4);
		const subLayers = reader.bits(3);
		reader.skip(1);
		skipProfileTierLevel(reader, subLayers);
		reader.unsignedGolomb();
		const chromaFormat = reader.unsignedGolomb();
		const isSeparate = chromaFormat === 3 && reader.flag();
		const width = reader.unsignedGolomb();
		const height = reader.unsignedGolomb();
		const { horizontal, vertical } = readCrop(reader);
		const lumaDepth = 8 + reader.unsignedGolomb();
		const chromaDepth = 8 + reader.unsignedGolomb();
		const [unitX, unitY] = chromaUnits(isSeparate ? 0 : chromaFormat);
		return {
			width: width - horizontal * unitX,
			height: height - vertical * unitY,
			chromaFormat,
			lumaDepth,
			chromaDepth,
		};
	});
}

function attempt(payload: Uint8Array, read: (reader: BitReader) => VideoSize): VideoSize | null {
	try {
		const size = read(new BitReader(withoutEmulationPrevention(payload)));
		const isPlausible = [size.width, size.height].every((side) => side > 0 && side <= MAX_PICTURE_SIDE);
		return isPlausible ? size : null;
	} catch (error) {
		if (error instanceof RangeError) return null;
		throw error;
	}
}

function readCrop(reader: BitReader): { horizontal: number; vertical: number } {
	if (!reader.flag()) return { horizontal: 0, vertical: 0 };
	const horizontal = reader.unsignedGolomb() + reader.unsignedGolomb();
	return { horizontal, vertical: reader.unsignedGolomb() + reader.unsignedGolomb() };
}

/** Luma samples in one unit of cropping, across and down: 4:2:0, 4:2:2, else one. */
function chromaUnits(chromaFormat: number): readonly [number, number] {
	return [chromaFormat === 1 || chromaFormat === 2 ? 2 : 1, chromaFormat === 1 ? 2 : 1];
}

function skipScalingLists(reader: BitReader, count: number): void {
	for (let list = 0; list < count; list++) {
		if (!reader.flag()) continue;
		let last = 8;
		let next = 8;
		for (let i = 0; i < (list < 6 ? 16 : 64); i++) {
			if (next !== 0) next = (last + reader.signedGolomb() + 256) % 256;
			last = next === 0 ? last : next;
		}
	}
}

function skipOrderCycle(reader: BitReader): void {
	reader.skip(1);
	reader.signedGolomb();
	reader.signedGolomb();
	const frames = reader.unsignedGolomb();
	// The standard allows 255; without a look at it a broken set would keep this loop busy until its bits are used up.
	if (frames > 255) throw new RangeError(`${frames} frames in a picture order cycle`);
	for (let i = 0; i < frames; i++) reader.signedGolomb();
}

/** ITU-T H.265 §7.3.3: 88 bits of the profile, 8 of the level, and the same for every sub-layer that says it has them. */
function skipProfileTierLevel(reader: BitReader, subLayers: number): void {
	reader.skip(96);
	const present: (readonly [boolean, boolean])[] = [];
	for (let i = 0; i < subLayers; i++) present.push([reader.flag(), reader.flag()]);
	if (subLayers > 0) reader.skip(2 * (8 - subLayers));
	for (const [hasProfile, hasLevel] of present) reader.skip((hasProfile ? 88 : 0) + (hasLevel ? 8 : 0));
}
