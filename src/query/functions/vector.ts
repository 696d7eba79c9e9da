// Similarity of vectors, which are arrays of FLOAT of the same length. Different lengths are an error.
import { definer } from './define.ts';
import type { FunctionEntry } from './entry.ts';

const math = definer('scalar', 'math');

export const VECTOR_FUNCTIONS: readonly FunctionEntry[] = [
  math(
    'cosine_similarity',
    ['(array<float>, array<float>) -> float', 'list_cosine_similarity({0}, {1})'],
    'Cosine of the angle between two vectors.',
    ['cosine_similarity([1.0, 0.0], [0.0, 2.0])', '0'],
  ),
  math(
    'cosine_similarity_norm',
    ['(array<float>, array<float>) -> float', 'list_inner_product({0}, {1})'],
    'The same for vectors of length 1: their inner product.',
    ['cosine_similarity_norm([0.6, 0.8], [1.0, 0.0])', '0.6'],
  ),
  math(
    'inner_product',
    ['(array<float>, array<float>) -> float', 'list_inner_product({0}, {1})'],
    'Sum of the products of the elements.',
    ['inner_product([1.0, 2.0], [3.0, 4.0])', '11'],
  ),
  math(
    'l2_distance',
    ['(array<float>, array<float>) -> float', 'CAST(pow(list_distance({0}, {1}), 2) AS FLOAT)'],
    'Sum of the squared differences of the elements (no square root is taken).',
    ['l2_distance([1.0, 2.0], [4.0, 6.0])', '25'],
  ),
];
