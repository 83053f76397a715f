// SPDX-License-Identifier: Apache-2.0
// How every product writes: with its bias, and with what the graph's next op would add.

// Value `row` of the output of the op's token `token`.
void write_output(uint token, uint row, float sum) {
  if (p.in2 != uvec2(0)) sum += constant_at(p.in2, type_of(2), row);
  if (p.out2 != uvec2(0)) sum += Floats(p.out2).v[token * p.rows + row];
  Floats(p.out0).v[token * p.rows + row] = sum;
}
