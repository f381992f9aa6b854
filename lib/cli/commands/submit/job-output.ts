import { resolve } from 'node:path';
import { pathFrom } from '../../../bullmq/index.js';

/** Where a job is to write. */
export interface JobOutputOptions {
	readonly output?: string;
	/** The folder of the workers, as it is called here. */
	readonly out: string;
}

/** `-o` as a job names it: a URL as it is, a path relative to the folder of the workers. Throws `InvalidOptionError`. */
export function jobOutputOf({ output, out }: JobOutputOptions): string | undefined {
	if (output === undefined || output.startsWith('s3://')) return output;
	return pathFrom('-o', resolve(out), resolve(output));
}
