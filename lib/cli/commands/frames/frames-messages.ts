import type { DecodeFailure, PictureSelection } from '../../../index.js';
import { counted } from '../../../wording/counted.js';
import type { FramesTally } from './frames-tally.js';

/** Why there is no picture, as a clause; null where the error says it. */
export function whyNothing(
	{ failureCount, screen, totals }: FramesTally,
	select: PictureSelection,
): string | null {
	if (failureCount > 0) return `none of ${counted(failureCount, 'frame')} could be decoded`;
	if (screen !== null) {
		const times = screen.times.map((time) => time.toISOString()).join(', ');
		return `no picture at or up to ${screen.lookbackMs / 1000} s before ${times}`;
	}
	if (totals.skipped > 0) {
		return `--where leaves out ${totals.skipped} of ${counted(totals.fragments, 'fragment')}`;
	}
	const isScene = typeof select === 'object' && 'scene' in select;
	return isScene
		? `there are no pictures in the range, or none differs from the one before by more than ${select.scene}`
		: null;
}

/** A line about a frame that could not be decoded. */
export function failureLine({ frame, message }: DecodeFailure): string {
	const time = frame.timestamp?.toISOString() ?? 'a frame without a time';
	return `no picture of ${time}: ${message}`;
}

/** The last line of the command: what was written, and what is not in it. */
export function summaryLine(name: string, { pictures, before, totals, unseen }: FramesTally): string {
	const { fragments, delivered, failed, missing, skipped, pictureFailures, elapsedMs } = totals;
	const parts = [
		counted(pictures, 'picture'),
		`${delivered} of ${counted(fragments, 'fragment')}`,
		`${(elapsedMs / 1000).toFixed(1)} s`,
		...(before.resumed > 0 && !before.verified ? [`${counted(before.resumed, 'picture')} resumed`] : []),
		...(pictureFailures > 0 ? [`${counted(pictureFailures, 'frame')} could not be decoded`] : []),
		...(failed > 0 ? [`${failed} failed`] : []),
		...(missing > 0 ? [`${missing} missing`] : []),
		...(skipped > 0 ? [`${skipped} left out by --where`] : []),
		...(unseen > 0 ? [`no picture for ${unseen} of the --at times`] : []),
	];
	return `${before.verified ? 'verified' : 'wrote'} ${name}: ${parts.join(', ')}`;
}
