import type { GapPolicy } from '../../index.js';
import type { ArchiveCommandOptions, AroundCommandOptions } from '../archive-options.js';

/** Options of `export`. */
export interface ExportCommandOptions extends ArchiveCommandOptions, AroundCommandOptions {
	readonly output?: string;
	/** The file, where it is named here; true where `output` names it. */
	readonly raw?: string | true;
	readonly tracks?: string;
	readonly where?: readonly string[];
	readonly gaps?: GapPolicy;
	readonly split?: readonly string[];
	readonly channels?: 'split' | 'stereo';
	readonly faststart?: boolean;
	readonly manifest?: boolean;
}
