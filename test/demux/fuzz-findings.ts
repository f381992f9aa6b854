/** Inputs that once broke the demuxer, or a version of it on the way: what they are, and their bytes in hexadecimal. */
export const fuzzFindings: readonly (readonly [string, string])[] = [];
