import type { TrackSelector } from '../frames/track-selection.js';
import type { RangeClock } from '../model/time-range.js';
import type { Container } from '../muxing/container.js';
import type { GapPolicy } from '../muxing/output-timeline.js';
import type { SplitRule } from './split-rule.js';

/** What was asked for, as plain JSON: two exports of equal requests are the same export. */
export interface ExportRequest {
	/** Name or ARN. */
	readonly stream: string;
	/** ISO 8601. */
	readonly from: string;
	readonly to: string;
	readonly by: RangeClock;
	readonly padStart: boolean;
	readonly duplicates: 'keep-all' | 'keep-newest';
	/** Tags that the fragments must carry; `function`: what a function says, which cannot be compared. Absent: all fragments. */
	readonly where?: Readonly<Record<string, string>> | 'function';
	/** By the file's ending: `mkv`, `mp4` … */
	readonly container: Container;
	/** Null: all of them. */
	readonly tracks: readonly TrackSelector[] | null;
	readonly gaps: GapPolicy;
	readonly split: readonly SplitRule[];
	readonly channels: 'split' | 'stereo';
	readonly faststart: boolean;
}
