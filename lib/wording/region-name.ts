import { InvalidOptionError } from '../errors.js';

/** A label of a host name, which the SDK makes of it. */
const REGION = /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i;

/** Checks the name of an AWS region, where it is given. Returns it. Throws `InvalidOptionError`. */
export function checkRegion(region: string | undefined): string | undefined {
	if (region === undefined || (typeof region === 'string' && REGION.test(region))) return region;
	throw new InvalidOptionError('region', 'an AWS region such as `us-east-1`', region);
}
