import { resolve } from 'node:path';
import { pathFrom } from '../../../bullmq/index.js';
import { s3 } from '../../../s3/index.js';
import { checkLocalPath } from '../../../wording/local-path.js';
import { underName } from '../../../wording/option-name.js';

/** Where a job is to write. */
export interface JobOutputOptions {
	readonly output?: string;
	/** Path on this machine of the workers' `--out` folder. */
	readonly out: string;
}

/** `-o` as a job names it: a URL as it is, a path relative to the folder of the workers. Throws `InvalidOptionError`. */
export function jobOutputOf({ output, out }: JobOutputOptions): string | undefined {
	if (output === undefined) return undefined;
	if (output.startsWith('s3://')) return underName('url', '-o', () => s3(output).url);
	checkLocalPath('-o', output, 'a folder below --out, or s3://BUCKET/PREFIX/');
	checkLocalPath('--out', out, 'a folder; a place in S3 is what -o names');
	return pathFrom('-o', resolve(out), resolve(output));
}
