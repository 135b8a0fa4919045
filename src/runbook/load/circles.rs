//! Which nodes of a graph lie on a circle.

/// Every node that leads back to itself, in order, with one that leads to it on the way. `edges[n]` are the nodes that
/// `n` leads to. Linear in nodes and edges (Tarjan, 1972), without recursion: the graph comes from a file.
pub fn circles(edges: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let component = components(edges);
    let mut through = vec![None; edges.len()];
    for (from, targets) in edges.iter().enumerate() {
        for to in targets.iter().copied().filter(|to| component[*to] == component[from]) {
            through[to] = Some(from);
        }
    }
    through.into_iter().enumerate().filter_map(|(node, from)| Some((node, from?))).collect()
}

/// A number for each node; nodes that lead to each other have the same.
fn components(edges: &[Vec<usize>]) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let mut order = vec![NEW; edges.len()];
    let mut low = vec![NEW; edges.len()];
    let mut component = vec![NEW; edges.len()];
    let (mut met, mut done) = (0, 0);
    let mut open = Vec::new();
    for root in 0..edges.len() {
        let mut work = if order[root] == NEW { vec![(root, 0)] } else { Vec::new() };
        while let Some((node, edge)) = work.pop() {
            if edge == 0 {
                (order[node], low[node]) = (met, met);
                met += 1;
                open.push(node);
            } else {
                // Back from the edge before this one.
                let below = edges[node][edge - 1];
                if component[below] == NEW {
                    low[node] = low[node].min(low[below]);
                }
            }
            if let Some(next) = edges[node].get(edge) {
                work.push((node, edge + 1));
                if order[*next] == NEW {
                    work.push((*next, 0));
                }
            } else if low[node] == order[node] {
                while let Some(member) = open.pop() {
                    component[member] = done;
                    if member == node {
                        break;
                    }
                }
                done += 1;
            }
        }
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_back_to_itself_is_on_a_circle() {
        let nodes = |edges: &[Vec<usize>]| circles(edges).into_iter().map(|(n, _)| n).collect::<Vec<_>>();
        assert!(nodes(&[vec![1], vec![2], vec![]]).is_empty());
        assert_eq!(circles(&[vec![0], vec![0]]), [(0, 0)]);
        assert_eq!(circles(&[vec![1], vec![0, 2], vec![]]), [(0, 1), (1, 0)]);
        // Two circles and a way between them, which is on none.
        assert_eq!(nodes(&[vec![1], vec![0, 2], vec![3], vec![4], vec![3]]), [0, 1, 3, 4]);
        assert_eq!(nodes(&[vec![1, 2], vec![3], vec![3], vec![0]]), [0, 1, 2, 3]);
    }

    #[test]
    fn a_long_circle_is_no_trouble() {
        let edges: Vec<Vec<usize>> = (0..50_000).map(|n| vec![(n + 1) % 50_000]).collect();
        assert_eq!(circles(&edges).len(), 50_000);
    }
}
