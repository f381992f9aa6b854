import type { Piece } from '../sinks/fragment-sink.js';
import type { ExportFile } from './export-file.js';
import type { FileCut } from './export-manifest.js';
import { fileTagOf, type SplitRule } from './split-rule.js';

/** What a frame takes in a file besides its data, its share of what a fragment takes included; rather more than less. */
const FRAME_OVERHEAD_BYTES = 64;

/** Why a fragment, which begins with `piece`, cannot go into the file that is open; null where it can. */
export function cutBefore(file: ExportFile, piece: Piece, split: readonly SplitRule[]): FileCut | null {
	const { gap, frames } = piece;
	const { fragmentNumber } = piece.fragment;
	const { tag } = file.opened;
	const { value } = tag === undefined ? { value: null } : fileTagOf(tag.name, piece.fragment);
	if (tag !== undefined && value !== tag.value) {
		const detail = `${tag.name} is ${inWords(value)}, not ${inWords(tag.value)}`;
		return { reason: 'tag', fragmentNumber, detail };
	}
	const whyNot = file.whyNot(frames);
	if (whyNot !== null) return { reason: 'codec', fragmentNumber, detail: whyNot };
	const whyTooFar = file.whyTooFar(piece);
	if (whyTooFar !== null) return { reason: 'gap', fragmentNumber, detail: whyTooFar };
	const addedBytes = frames.reduce((sum, { data }) => sum + data.byteLength + FRAME_OVERHEAD_BYTES, 0);
	for (const rule of split) {
		if (rule === 'gap' && gap !== null) {
			const detail = `${gap.kind} from ${gap.from.toISOString()} to ${gap.to.toISOString()}`;
			return { reason: 'gap', fragmentNumber, detail };
		}
		if (typeof rule === 'string') continue;
		if ('everyMs' in rule && file.durationMsWith(piece) > rule.everyMs) {
			return { reason: 'duration', fragmentNumber, detail: `more than ${rule.everyMs} ms with it` };
		}
		if ('maxBytes' in rule && file.maxFinalBytes + addedBytes > rule.maxBytes) {
			return { reason: 'size', fragmentNumber, detail: `more than ${rule.maxBytes} bytes with it` };
		}
	}
	return null;
}

function inWords(value: string | null): string {
	return value === null ? 'absent' : `\`${value}\``;
}
